import { describe, expect, it } from '@jest/globals';
import { decodeEvent, decodeHeaders, encodeEvent, mintMeshId, type Route } from '#contracts';
import type { Incoming } from './incoming.js';
import { timeoutOf, toEvent } from './to-event.js';

const routeOf = (...limits: (number | undefined)[]): Route =>
  ({
    versions: limits.map((timeoutMs) => ({ limits: timeoutMs === undefined ? {} : { timeoutMs } })),
  }) as unknown as Route;
const message: Incoming = { topic: 'a', payload: Buffer.of(), qos: 1, retain: false, dup: true };

describe('a message as an event', () => {
  it.each(['users/find', 'ü/☃', 'a\r\nNats-Schedule: @every 1s', '\u007f\u2028'])(
    'carries the topic %j through the wire as it was',
    (topic) => {
      const event = { id: mintMeshId(), ...toEvent({ ...message, topic }, { 0: topic }) };
      const arrived = decodeEvent(decodeHeaders(encodeEvent(event)), () => 'none');
      expect(arrived).toEqual(event);
      expect(arrived.meta).toEqual({
        source: 'mqtt',
        attributes: { topic, qos: 1, retain: false, dup: true },
        params: { 0: topic },
      });
    },
  );

  it('has what MQTT 5 says beside it', () => {
    const userProperties = {
      a: '1',
      b: ['2', '3'],
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    const properties = {
      contentType: 'text/csv',
      responseTopic: 'reply/1',
      correlationData: Buffer.of(1, 2),
      userProperties,
    };
    expect(toEvent({ ...message, properties }, {})).toEqual({
      contentType: 'text/csv',
      traceparent: userProperties.traceparent,
      meta: {
        source: 'mqtt',
        attributes: {
          topic: 'a',
          qos: 1,
          retain: false,
          dup: true,
          userProperties,
          responseTopic: 'reply/1',
          correlationData: 'AQI=',
        },
      },
    });
  });

  it('leaves a traceparent that is none to the user properties', () => {
    const properties = { userProperties: { traceparent: 'x\r\ny' } };
    expect(toEvent({ ...message, properties }, {}).traceparent).toBeUndefined();
  });
});

describe('a message that is a CloudEvent', () => {
  const attributes = { specversion: '1.0', id: '1', source: '/device', type: 'com.example.on' };

  it('in binary mode has its attributes in user properties', () => {
    const userProperties = { ...attributes, subject: 'lamp', other: 'x' };
    expect(toEvent({ ...message, properties: { userProperties } }, {}).cloudEvent).toEqual({
      id: '1',
      source: '/device',
      type: 'com.example.on',
      subject: 'lamp',
    });
  });

  it('in structured mode is known by its content, where MQTT has no content type', () => {
    const payload = Buffer.from(JSON.stringify({ ...attributes, data: {} }));
    expect(toEvent({ ...message, payload }, {}).contentType).toBe('application/cloudevents+json');
    const properties = { contentType: 'application/json' };
    expect(toEvent({ ...message, payload, properties }, {}).contentType).toBe('application/json');
  });

  it.each([
    '{"specversion"',
    '"specversion"',
    '{"specversion":"1.0"}',
    '{"specversion":"0.3","id":"1"}',
    '',
    '\xff',
  ])('is not taken for one without what one must have: %j', (text) => {
    expect(toEvent({ ...message, payload: Buffer.from(text, 'latin1') }, {}).contentType).toBeUndefined();
  });
});

describe('a call', () => {
  it("waits a little longer than the longest of the live versions' limits", () => {
    expect(timeoutOf(routeOf(100, 900))).toBe(1_900);
    expect(timeoutOf(routeOf(100, undefined))).toBe(31_000);
  });
});
