import { describe, expect, it } from '@jest/globals';
import { type ControlPath, decodeEvent, decodeHeaders, encodeEvent, type Route } from '#contracts';
import { handlerOf, timeoutOf, toBatchEvent, toEvent } from './to-event.js';

const text = (StringValue: string) => ({ DataType: 'String', StringValue });
const queue = { url: 'http://sqs/1/orders', name: 'orders' };
const ARN = 'arn:aws:sqs:eu-west-1:1:orders';
const find = 'users/find' as ControlPath;

function routeOf(...limits: (number | undefined)[]): Route {
  const versions = limits.map((timeoutMs) => ({ limits: { ...(timeoutMs ? { timeoutMs } : {}) } }));
  return { path: find, versions } as unknown as Route;
}

describe('whom a message is for', () => {
  it("is its queue's handler, whatever the message says", () => {
    const handler = { path: find };
    const message = { MessageAttributes: { path: text('users/erase') } };
    expect(handlerOf(message, { ...queue, handler })).toBe(handler);
  });

  it('is what the attribute "path" names, with a version if it says so', () => {
    const message = { MessageAttributes: { path: text('users/find@canary') } };
    expect(handlerOf(message, queue)).toEqual({ path: find, version: 'canary' });
  });

  it('is the handler whose trigger names the queue, where the message names none', () => {
    const fallback = { path: 'users/list' as ControlPath };
    const named = { MessageAttributes: { path: text('users/find') } };
    expect(handlerOf({}, { ...queue, fallback })).toBe(fallback);
    expect(handlerOf(named, { ...queue, fallback })).toEqual({ path: find });
    expect(handlerOf({}, { ...queue, fallback, handler: { path: find } })).toEqual({ path: find });
  });

  it.each([
    ['no attributes', undefined],
    ['none called "path"', { Path: text('users/find') }],
    ['a binary one', { path: { DataType: 'Binary', BinaryValue: Buffer.from('users/find') } }],
    ['a wildcard', { path: text('users/*') }],
    ['a server subject', { path: text('$SYS.REQ') }],
    ['line ends', { path: text('users/find\r\nNats-Schedule: @every 1s') }],
    ['NUL', { path: text('users/find\0') }],
    ['a reserved name', { path: text('health/ready') }],
  ])('is nobody with %s', (_, MessageAttributes) => {
    expect(() => handlerOf({ MessageAttributes }, queue)).toThrow(
      expect.objectContaining({ code: 'bad-path' }),
    );
  });
});

describe('a message as an event', () => {
  const message = {
    MessageId: 'm-1',
    MD5OfBody: 'abc',
    Attributes: { ApproximateReceiveCount: '3', SentTimestamp: '1' },
    MessageAttributes: {
      tenant: text('ä\r\nx: y'),
      blob: { DataType: 'Binary.png', BinaryValue: Uint8Array.of(0, 1, 255) },
      count: { DataType: 'Number', StringValue: '7' },
    },
  };

  it('carries what SQS knows of it, binary as base64, and survives the wire', () => {
    const event = toEvent(message, queue, ARN, undefined);
    const arrived = decodeEvent(decodeHeaders(encodeEvent(event)), () => 'none');
    expect(arrived).toEqual(event);
    expect(arrived.meta).toEqual({
      source: 'sqs',
      caller: 'orders',
      attributes: {
        messageId: 'm-1',
        queue: 'orders',
        queueArn: ARN,
        md5OfBody: 'abc',
        systemAttributes: { ApproximateReceiveCount: '3', SentTimestamp: '1' },
        messageAttributes: {
          tenant: { dataType: 'String', stringValue: 'ä\r\nx: y' },
          blob: { dataType: 'Binary.png', binaryValue: 'AAH/' },
          count: { dataType: 'Number', stringValue: '7' },
        },
      },
    });
  });

  it('of several messages says how many they are', () => {
    expect(toBatchEvent(3, queue, '1.0.0')).toMatchObject({
      version: '1.0.0',
      contentType: 'application/json',
      meta: { source: 'sqs', caller: 'orders', attributes: { queue: 'orders', records: 3 } },
    });
  });

  it("waits a little longer than the longest of the live versions' limits", () => {
    expect(timeoutOf(routeOf(100, 900))).toBe(1_900);
    expect(timeoutOf(routeOf(100, undefined))).toBe(31_000);
  });

  it('has the content type and the trace that attributes name', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const attributes = { 'content-type': text('text/csv'), traceparent: text(traceparent) };
    const event = toEvent({ MessageAttributes: attributes }, queue, ARN, '1.0.0');
    expect(event).toMatchObject({ contentType: 'text/csv', traceparent, version: '1.0.0' });
  });

  it('passes over a trace that is none, and refuses a content type that is none', () => {
    const traced = { MessageAttributes: { traceparent: text('00-x') } };
    expect(toEvent(traced, queue, ARN, undefined)).not.toHaveProperty('traceparent');
    const typed = { MessageAttributes: { 'content-type': text('nonsense\r\n') } };
    expect(() => toEvent(typed, queue, ARN, undefined)).toThrow(
      expect.objectContaining({ code: 'unsupported-media-type' }),
    );
  });
});
