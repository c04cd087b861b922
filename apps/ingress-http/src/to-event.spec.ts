import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { manifest, type Route, route } from '#contracts';
import type { Match } from './router.js';
import { toEvent } from './to-event.js';

function routeWith(...timeouts: (number | undefined)[]): Route {
  const versions = timeouts.map((timeoutMs, i) => {
    const limits = timeoutMs === undefined ? {} : { timeoutMs };
    const { path: _, ...live } = manifest.parse({ path: 'users/find', version: `${i}.0.0`, limits });
    return { ...live, weight: 50, digest: `sha256:${'0'.repeat(64)}` };
  });
  return route.parse({ path: 'users/find', revision: 1, versions });
}

const MATCH: Match = { route: routeWith(undefined), params: undefined, version: undefined };
const event = (
  headers: Record<string, string>,
  query = '',
  match: Partial<Match> = {},
  path = '/users/find',
) => toEvent({ method: 'GET', headers } as unknown as IncomingMessage, path, query, { ...MATCH, ...match });

describe('an event', () => {
  it('of a usual request has what HTTP knows, and nothing that equals its default', () => {
    expect(event({ host: 'x', accept: '*/*' }, 'id=42')).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      meta: {
        source: 'http',
        method: 'GET',
        path: '/users/find',
        query: 'id=42',
        headers: { host: 'x', accept: '*/*' },
      },
    });
  });

  it('has an id of its own', () => expect(event({}).id).not.toBe(event({}).id));

  it('has parameters, decoded once, without prototype', () => {
    const { params } = event({}, '', { params: { id: 'a%252Fb', name: '%C3%BC+1', __proto__: 'x' } }).meta;
    expect(params).toMatchObject({ id: 'a%2Fb', name: 'ü+1' });
  });

  it('has the version that was asked for', () =>
    expect(event({}, '', { version: 'canary' }).version).toBe('canary'));

  it.each<[(number | undefined)[], number | undefined]>([
    [[undefined], undefined],
    [[30_000], undefined],
    [[1_000], 1_000],
    [[1_000, 60_000], 60_000],
    [[1_000, undefined], undefined],
  ])('waits as long as the slowest of its versions may take: %j', (timeouts, timeout) => {
    expect(event({}, '', { route: routeWith(...timeouts) }).timeout).toBe(timeout);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'text/plain;charset=utf-8',
    'Application/Problem+JSON',
    'multipart/form-data; boundary=----x',
    'application/vnd.acme.v1+json ; a="b"',
  ])('has the content type %s as it came', (type) => {
    expect(event({ 'content-type': type }).contentType).toBe(type);
  });

  it.each(['json', '/', 'a/', '/b', 'a b/c', 'a/b c', 'a/b, c/d', '', ' a/b', 'ä/b'])(
    'is refused with the content type %j',
    (type) => {
      expect(() => event({ 'content-type': type })).toThrow(
        expect.objectContaining({ code: 'unsupported-media-type' }),
      );
    },
  );

  it.each(['gzip', 'br', 'identity, gzip', ''])('is refused with the coding %j', (coding) => {
    expect(() => event({ 'content-encoding': coding })).toThrow(
      expect.objectContaining({ code: 'unsupported-media-type' }),
    );
    expect(event({ 'content-encoding': 'identity' }).meta.source).toBe('http');
  });

  it.each(['%00', '%0a', '%0D%0A', '%7f', '%C2%80', '%ff', '%C0%80', '%', '%zz', 'ä', 'a b', '\x7f', '"\t"'])(
    'is refused with %j in the query or in a parameter',
    (text) => {
      const refused = expect.objectContaining({ code: 'bad-request' });
      expect(() => event({}, `a=${text}`)).toThrow(refused);
      expect(() => event({}, '', { params: { id: text } })).toThrow(refused);
    },
  );

  it('never has headers that are meant for a NATS server', () => {
    const { headers } = event({ 'nats-schedule': '@every 1s', 'nats-': '1', 'x-nats-y': '2' }).meta;
    expect(headers).toEqual({ 'x-nats-y': '2' });
  });

  it('has headers that are UTF-8, and is refused for others', () => {
    const utf8 = Buffer.from('ü').toString('latin1');
    expect(event({ 'x-name': utf8 }).meta.headers).toEqual({ 'x-name': utf8 });
    expect(() => event({ 'x-name': '\xff' })).toThrow(
      expect.objectContaining({ detail: 'The header x-name is not valid UTF-8.' }),
    );
  });

  it('has the attributes of a CloudEvent only with its specversion', () => {
    const attributes = {
      'ce-id': '1%20',
      'ce-type': 't',
      'ce-source': '/s',
      'ce-subject': 'x',
      'ce-time': '2025-01-01T00:00:00Z',
      'ce-other': 'no',
    };
    expect(event({ 'ce-specversion': '1.0', ...attributes }).cloudEvent).toEqual({
      id: '1 ',
      type: 't',
      source: '/s',
      subject: 'x',
      time: '2025-01-01T00:00:00Z',
    });
    expect(event(attributes).cloudEvent).toBeUndefined();
  });

  it('passes on a trace that is one', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(event({ traceparent }).traceparent).toBe(traceparent);
    for (const bad of ['', 'x', `${traceparent}x`, traceparent.toUpperCase()])
      expect(event({ traceparent: bad }).traceparent).toBeUndefined();
  });
});
