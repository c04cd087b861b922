import { describe, expect, it } from '@jest/globals';
import { encodeFrame, FrameReader } from './frames.js';
import type { FromWorker, ToWorker } from './worker-protocol.js';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const framed = (message: ToWorker | FromWorker) => Buffer.concat(encodeFrame(message));
/** Bytes as text, whatever holds them. */
const plain = (messages: unknown) =>
  JSON.parse(
    JSON.stringify(messages, (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
        ? Buffer.from((value as unknown as { data: number[] }).data).toString()
        : value,
    ),
  );

const MESSAGES: (ToWorker | FromWorker)[] = [
  ['run', 1, 'id', { a: 'b' }, bytes('body'), 1, 123.5],
  ['run', 2, 'id', {}, undefined, 2, 1],
  ['abort', 1, 'the deadline passed'],
  ['reply', 3, { outcome: 'ok', status: 200, body: bytes('answer') }],
  ['reply', 4, 'no-route'],
  ['ready'],
  ['unloadable', 'load-failed', 'why', undefined],
  ['done', 5, { outcome: 'ok', status: 200 }, bytes('é')],
  ['done', 6, { outcome: 'ok', status: 204 }, bytes('')],
  ['log', 'id', 'info', 'text', { a: 1 }],
  ['call', 7, 'a/b', { body: bytes('asked'), timeout: 5 }, 1],
  ['head', 8, { outcome: 'ok', status: 200 }, bytes('first')],
  ['chunk', 8, bytes('next')],
  ['credit', 8, 65_536],
  ['break', 8, 'handler-error', undefined, { name: 'Error', message: 'why' }],
  ['end', 9],
  ['cancel', 9],
  ['run', 10, 'id', {}, undefined, 1, 1, true],
];
const EXPECTED = [
  ['run', 1, 'id', { a: 'b' }, 'body', 1, 123.5],
  ['run', 2, 'id', {}, null, 2, 1],
  ['abort', 1, 'the deadline passed'],
  ['reply', 3, { outcome: 'ok', status: 200, body: 'answer' }],
  ['reply', 4, 'no-route'],
  ['ready'],
  ['unloadable', 'load-failed', 'why', null],
  ['done', 5, { outcome: 'ok', status: 200 }, 'é'],
  ['done', 6, { outcome: 'ok', status: 204 }, ''],
  ['log', 'id', 'info', 'text', { a: 1 }],
  ['call', 7, 'a/b', { timeout: 5, body: 'asked' }, 1],
  ['head', 8, { outcome: 'ok', status: 200 }, 'first'],
  ['chunk', 8, 'next'],
  ['credit', 8, 65_536],
  ['break', 8, 'handler-error', null, { name: 'Error', message: 'why' }],
  ['end', 9],
  ['cancel', 9],
  ['run', 10, 'id', {}, null, 1, 1, true],
];

describe('frames', () => {
  it.each([1, 2, 7, 8, 9, 64, 100_000])('of every message arrive whole, %d bytes at a time', (size) => {
    const all = Buffer.concat(MESSAGES.map(framed));
    const reader = new FrameReader();
    const read: unknown[] = [];
    for (let at = 0; at < all.length; at += size) read.push(...reader.push(all.subarray(at, at + size)));
    expect(plain(read)).toEqual(EXPECTED);
  });

  it.each<[string, number[]]>([
    ['longer than any', [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['whose JSON is longer than itself', [8, 0, 0, 0, 9, 0, 0, 0]],
    ['with no room for a length', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['without JSON', [8, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]],
    ['with JSON that is no message', [6, 0, 0, 0, 2, 0, 0, 0, 0x7b, 0x7d]],
  ])('%s are refused', (_, head) => {
    expect(() => new FrameReader().push(Buffer.from(head))).toThrow();
  });
});
