import { describe, expect, it } from '@jest/globals';
import { type ControlPath, decodeRouting, type EventEnvelope } from '#contracts';
import { fingerprintOf, idOfKey, keyOf } from './idempotency.js';

const PATH = 'users/find' as ControlPath;

describe('an idempotency key', () => {
  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a b"', 'a b'],
    ['"a\\"b\\\\"', 'a"b\\'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('%s is %s', (text, key) => {
    expect(keyOf({ 'idempotency-key': text })).toBe(key);
  });

  it.each(['', '""', '"', 'a"b', 'a b', 'ü', '"a', '"a\\b"', 'x'.repeat(256)])('%j is refused', (text) => {
    expect(() => keyOf({ 'idempotency-key': text })).toThrow(
      expect.objectContaining({ code: 'bad-request' }),
    );
  });

  it('need not be there', () => {
    expect(keyOf({})).toBeUndefined();
  });

  it('makes a mesh-id: the same for the same path, caller and key', () => {
    const id = idOfKey(PATH, '198.51.100.0/24', 'abc');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(idOfKey(PATH, '198.51.100.0/24', 'abc')).toBe(id);
    expect(decodeRouting({ 'mesh-id': id }, () => '').id).toBe(id);
    const others = [
      idOfKey('users/drop' as ControlPath, '198.51.100.0/24', 'abc'),
      idOfKey(PATH, 'token', 'abc'),
      idOfKey(PATH, '198.51.100.0/24', 'abd'),
      idOfKey(PATH, '198.51.100.0/2', '4abc'),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });
});

describe('what a key was used for', () => {
  const event: EventEnvelope = {
    id: 'any',
    contentType: 'text/plain',
    meta: { source: 'http', method: 'POST', path: '/users/find', query: 'id=1' },
  };
  const body = Buffer.from('body');
  const print = fingerprintOf(event, { 'mesh-delay': '5' }, body);

  it('is the same for the same request, whatever its id and its other headers', () => {
    const again = { ...event, id: 'other', traceparent: '00-…' };
    expect(fingerprintOf(again, { 'mesh-delay': '5', 'user-agent': 'x' }, body)).toBe(print);
  });

  it.each<[string, EventEnvelope, Record<string, string>, string]>([
    ['body', event, { 'mesh-delay': '5' }, 'other'],
    ['delay', event, {}, 'body'],
    ['callback', event, { 'mesh-delay': '5', 'mesh-callback': 'https://a' }, 'body'],
    ['query', { ...event, meta: { ...event.meta, query: 'id=2' } }, { 'mesh-delay': '5' }, 'body'],
    ['method', { ...event, meta: { ...event.meta, method: 'PUT' } }, { 'mesh-delay': '5' }, 'body'],
    ['version', { ...event, version: '1.0.0' }, { 'mesh-delay': '5' }, 'body'],
    ['type', { ...event, contentType: 'text/html' }, { 'mesh-delay': '5' }, 'body'],
  ])('is another with another %s', (_, other, headers, text) => {
    expect(fingerprintOf(other, headers, Buffer.from(text))).not.toBe(print);
  });
});
