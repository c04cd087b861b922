import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryWatch } from '../measure/memory.mjs';

const LOOK_MS = 20;
const MB = 1024 * 1024;
/** A reader that now and then does not read. */
const PAUSE_MS = 500;
const PAUSE_EVERY_MB = 50;
const PIECE = Buffer.alloc(64 * 1024, 'x');

/**
 * Much, down and up, with what each process grew by meanwhile.
 * @returns {Promise<object[]>} `{ what, megabytes, perSecond, growth }`, growth in MB by role
 */
export async function largeBodies({ urls, pids }, { down, up, signal }) {
  const flood = (mb) => `${urls.flood}?mb=${mb}`;
  return [
    await watched('down', pids, down, () => download(flood(down), down, false, signal)),
    await watched('down, to a slow reader', pids, down, () => download(flood(down), down, true, signal)),
    await watched('up', pids, up, () => upload(urls.drain, up, signal)),
  ];
}

async function watched(what, pids, megabytes, work) {
  const watch = new MemoryWatch(pids, LOOK_MS);
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1_000;
  const growth = Object.entries(watch.stop()).map(([role, samples]) => [role, growthOf(samples)]);
  return { what, megabytes, perSecond: megabytes / seconds, growth: Object.fromEntries(growth) };
}

const growthOf = (samples) => Math.max(...samples.map(([, mb]) => mb)) - samples[0][1];

async function download(url, megabytes, pauses, signal) {
  const response = await answerTo(request(url, { signal }), (outgoing) => outgoing.end());
  let bytes = 0;
  let pausedAt = 0;
  for await (const piece of response) {
    bytes += piece.length;
    if (!pauses || bytes - pausedAt < PAUSE_EVERY_MB * MB) continue;
    pausedAt = bytes;
    await delay(PAUSE_MS, undefined, { signal });
  }
  expect(url, response, bytes, megabytes * MB);
}

async function upload(url, megabytes, signal) {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': megabytes * MB };
  const outgoing = request(url, { method: 'POST', headers, signal });
  const response = await answerTo(outgoing, () => pipeline(pieces(megabytes * 16), outgoing));
  const text = (await response.toArray()).join('');
  expect(url, response, response.statusCode === 200 ? JSON.parse(text).bytes : text, megabytes * MB);
}

function* pieces(count) {
  for (let left = count; left > 0; left--) yield PIECE;
}

function answerTo(outgoing, write) {
  return new Promise((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    // An answer may come before all was sent; an error is told above.
    Promise.resolve(write(outgoing)).catch(() => undefined);
  });
}

function expect(url, { statusCode }, bytes, wanted) {
  if (statusCode !== 200 || bytes !== wanted)
    throw new Error(`${url} answered ${statusCode}; ${bytes} of ${wanted} bytes came`);
}
