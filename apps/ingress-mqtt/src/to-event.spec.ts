import { describe, expect, it } from '@jest/globals';
import { decodeEvent, decodeHeaders, encodeEvent, type Route } from '#contracts';
import { toEvent } from './to-event.js';

const routeOf = (...limits: (number | undefined)[]): Route =>
  ({
    versions: limits.map((timeoutMs) => ({ limits: timeoutMs === undefined ? {} : { timeoutMs } })),
  }) as unknown as Route;
const message = { topic: 'a', payload: Buffer.of(), qos: 1, retain: false, dup: true } as const;

describe('a message as an event', () => {
  it.each(['users/find', 'ü/☃', 'a\r\nNats-Schedule: @every 1s', '\u007f\u2028'])(
    'carries the topic %j through the wire as it was',
    (topic) => {
      const event = toEvent({ ...message, topic }, routeOf(1));
      const arrived = decodeEvent(decodeHeaders(encodeEvent(event)), () => 'none');
      expect(arrived).toEqual(event);
      expect(arrived.meta).toEqual({
        source: 'mqtt',
        attributes: { topic, qos: 1, retain: false, dup: true },
      });
    },
  );

  it("waits a little longer than the longest of the live versions' limits", () => {
    expect(toEvent(message, routeOf(100, 900)).timeout).toBe(1_900);
    expect(toEvent(message, routeOf(100, undefined)).timeout).toBe(31_000);
  });
});
