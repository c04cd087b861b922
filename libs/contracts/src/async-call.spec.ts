import { describe, expect, it } from '@jest/globals';
import {
  type AsyncCall,
  decodeAsyncState,
  encodeCancelled,
  encodeDone,
  encodeNoted,
  encodeWaiting,
} from './async-call.js';
import { decodeHeaders, encodeHeaders, type HeaderMap } from './codec.js';
import type { ControlPath } from './control-path.js';
import type { ResultEnvelope } from './envelope.js';

const AT = Date.parse('2030-01-31T12:00:00Z');
const HOUR = 3_600_000;
const call: AsyncCall = {
  path: 'users/find' as ControlPath,
  acceptedAt: AT,
  expires: AT + HOUR,
  keepMs: HOUR,
  fingerprint: 'f00d',
  callback: { url: 'https://example.org/ü', state: 'waiting', attempts: 0 },
};
const result: ResultEnvelope = {
  id: '0190d0c0-0000-7000-8000-00000000002a',
  outcome: 'failed',
  status: 409,
  version: '1.2.0',
  contentType: 'application/json',
  meta: { headers: { 'x-why': 'taken' } },
};
const ttlOf = (headers: HeaderMap) => headers['Nats-TTL'];
/** As it comes back from the server. */
const kept = (headers: HeaderMap) => decodeHeaders(encodeHeaders(headers));

describe('an asynchronous call', () => {
  it('waits, and is forgotten when that was said', () => {
    const headers = encodeWaiting(call);
    expect(decodeAsyncState(kept(headers))).toEqual({ state: 'waiting', call });
    expect(ttlOf(headers)).toBe('3600s');
  });

  it('is cancelled, and remembered for as long as a result', () => {
    const headers = encodeCancelled(call, AT + 1_000);
    expect(decodeAsyncState(kept(headers))).toEqual({
      state: 'cancelled',
      call: { ...call, endedAt: AT + 1_000, expires: AT + 1_000 + HOUR },
    });
    expect(ttlOf(headers)).toBe('3600s');
  });

  it('is done, with all of its result', () => {
    const done = { ...call, endedAt: AT + 5_000, expires: AT + 5_000 + HOUR, attempts: 3 };
    const headers = encodeDone(call, result, 3, AT + 5_000);
    expect(decodeAsyncState(kept(headers))).toEqual({ state: 'done', call: done, result });
    const noted = encodeNoted(done, result, AT + 5_000 + HOUR / 2);
    expect(decodeAsyncState(kept(noted))).toEqual({ state: 'done', call: done, result });
    expect(ttlOf(noted)).toBe('1800s');
  });

  it('that was to start late keeps its place in time', () => {
    const delayed = { ...call, startsAt: AT + 10 * HOUR, expires: AT + 11 * HOUR };
    expect(decodeAsyncState(kept(encodeCancelled(delayed, AT))).call.expires).toBe(delayed.expires);
  });

  it.each([
    [{}],
    [{ 'mesh-state': 'waiting' }],
    [{ 'mesh-state': 'waiting', 'mesh-call': '{' }],
    [{ 'mesh-state': 'waiting', 'mesh-call': '{"path":1}' }],
    [{ 'mesh-state': 'other', 'mesh-call': JSON.stringify(call) }],
    [{ 'mesh-state': 'done', 'mesh-call': JSON.stringify(call) }],
  ])('is told from %j', (headers: Record<string, string>) => {
    expect(() => decodeAsyncState(headers)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
