import { deepStrictEqual } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { answerTo, QUERY } from './answer.mjs';

const WITHIN_MS = 30_000;
const EVERY_MS = 50;

/**
 * Waits until a contender answers, then holds its answer against what all must say: nobody wins by doing less.
 * @throws Error naming the contender
 */
export async function verify({ key, url }, signal) {
  const response = await untilServed(key, `${url}?${QUERY}`, signal);
  if (response.status !== 200) throw new Error(`${key} answered ${response.status}`);
  // Some add `charset=utf-8`, which says nothing of JSON.
  const type = response.headers.get('content-type')?.split(';')[0];
  if (type !== 'application/json') throw new Error(`${key} answered with content type ${type}`);
  deepStrictEqual(await response.json(), answerTo('42'), `${key} answered something else`);
}

/** A mesh service answers 503 until it knows its routes, and 404 until this one is among them. */
async function untilServed(key, url, signal) {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const response = await fetch(url, { signal });
    if (response.status !== 503 && response.status !== 404) return response;
    await response.body?.cancel();
    if (performance.now() > end) throw new Error(`${key} still answers ${response.status}`);
    await delay(EVERY_MS, undefined, { signal });
  }
}
