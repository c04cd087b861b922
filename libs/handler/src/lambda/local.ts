import { randomUUID } from 'node:crypto';
import type { Loaded } from './loaded.js';
import type { Log } from './poll.js';
import { runEvent } from './run-event.js';

const LIMIT_MS = 30_000;

/**
 * Runs one event, as on a developer's machine: `echo '{"name":"Ada"}' | ./bootstrap`. No text is the event `{}`.
 * @returns the answer, JSON in one line, and whether the run ended OK. For an error it is the answer that a caller over
 * HTTP would get of the mesh; what was thrown goes to the log
 */
export async function runLocally(loaded: Loaded, input: Uint8Array, log: Log) {
  const body = Buffer.from(input).toString().trim() === '' ? Buffer.from('{}') : input;
  const id = randomUUID();
  const ran = await runEvent(loaded, { id, body, deadline: performance.now() + LIMIT_MS, log });
  if ('answer' in ran) return { answer: ran.answer, ok: ran.ok && !givesBack(ran.answer) };
  if ('streamed' in ran) throw new Error('a local run asks for no stream');
  const { status, contentType, body: problem } = ran.outcome;
  log('error', id, 'The handler did not end OK.', ran.error.document);
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  const answer = {
    statusCode: status,
    headers,
    body: Buffer.from(problem).toString(),
    isBase64Encoded: false,
  };
  return { answer: Buffer.from(JSON.stringify(answer)), ok: false };
}

/** Whether it says, as an answer to a queue, that messages have failed. */
function givesBack(answer: Uint8Array): boolean {
  try {
    const failures = JSON.parse(Buffer.from(answer).toString())?.batchItemFailures;
    return Array.isArray(failures) && failures.length > 0;
  } catch {
    return false;
  }
}
