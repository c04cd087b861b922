import { describe, expect, it } from '@jest/globals';
import { MAX_HEADERS_LENGTH } from './answer-headers.js';
import type { AnswerHeaders, HandlerContext, HandlerEvent, HandlerFunction } from './author-types.js';
import { FAIL, handler, OK } from './definition.js';
import type { CallReply, CallRequest, Host } from './host.js';
import { type Outcome, resolveHandler, runHandler } from './runtime.js';

const ID = '01890000-0000-7000-8000-000000000001';
const event = { id: ID } as HandlerEvent;

interface Heard {
  logs: unknown[][];
  calls: [string, CallRequest][];
}

function hostWith(parts: Partial<Host> = {}): Host & Heard {
  const heard: Heard = { logs: [], calls: [] };
  const host = {
    version: '1.2.3',
    attempt: 2,
    deadline: performance.now() + 5000,
    signal: AbortSignal.abort('late'),
    log: (...line: unknown[]) => void heard.logs.push(line),
    call: (path: string, request: CallRequest): Promise<CallReply> => {
      heard.calls.push([path, request]);
      return Promise.resolve({ outcome: 'ok', status: 200, body: new Uint8Array(0) });
    },
    ...heard,
    ...parts,
  };
  return host;
}

const run = (fn: HandlerFunction, host: Host = hostWith()): Promise<Outcome> =>
  runHandler(resolveHandler({ default: handler('users/find', fn) }), event, host);
const textOf = ({ body }: Outcome) => Buffer.from(body).toString();
const codeOf = async (fn: HandlerFunction) => (await run(fn)).outcome;

describe('a returned value', () => {
  it.each<[string, unknown, number, string | undefined, string]>([
    ['nothing', undefined, 204, undefined, ''],
    ['null', null, 200, 'application/json', 'null'],
    ['an object', { a: 1 }, 200, 'application/json', '{"a":1}'],
    ['a list', [1, 'x'], 200, 'application/json', '[1,"x"]'],
    ['a number', 42, 200, 'application/json', '42'],
    ['false', false, 200, 'application/json', 'false'],
    ['a date', new Date(0), 200, 'application/json', '"1970-01-01T00:00:00.000Z"'],
    ['text', 'grüezi', 200, 'text/plain; charset=utf-8', 'grüezi'],
    ['empty text', '', 200, 'text/plain; charset=utf-8', ''],
    ['bytes', new Uint8Array([0x68, 0x69]), 200, 'application/octet-stream', 'hi'],
    ['a part of a buffer', Buffer.from('xhix').subarray(1, 3), 200, 'application/octet-stream', 'hi'],
    ['an ArrayBuffer', new Uint8Array([0x68, 0x69]).buffer, 200, 'application/octet-stream', 'hi'],
    [
      'an object whose statusCode is no number',
      { statusCode: 'x' },
      200,
      'application/json',
      '{"statusCode":"x"}',
    ],
  ])('%s', async (_what, value, status, contentType, text) => {
    for (const fn of [() => value, async () => value]) {
      const outcome = await run(fn);
      expect(outcome).toMatchObject({ outcome: 'ok', status });
      expect(outcome.contentType).toBe(contentType);
      expect(textOf(outcome)).toBe(text);
    }
  });
});

describe('an HTTP answer', () => {
  it('is taken apart', async () => {
    const outcome = await run(() => ({
      statusCode: 404,
      headers: { 'Content-Type': 'text/html', 'X-Count': 3, 'X-Many': ['a', 'b'], gone: undefined },
      cookies: ['a=1', 'b=2'],
      body: '<p>',
    }));
    expect(outcome).toEqual({
      outcome: 'ok',
      status: 404,
      contentType: 'text/html',
      meta: { headers: { 'x-count': '3', 'x-many': ['a', 'b'] }, cookies: ['a=1', 'b=2'] },
      body: Buffer.from('<p>'),
    });
  });

  it.each<[unknown, string | undefined, string]>([
    [{ statusCode: 200 }, undefined, ''],
    [{ statusCode: 200, body: { a: 1 } }, 'application/json', '{"a":1}'],
    [{ statusCode: 200, body: null }, 'application/json', 'null'],
    [{ statusCode: 200, body: 'aGk=', isBase64Encoded: true }, 'application/octet-stream', 'hi'],
    [{ statusCode: 200, isBase64Encoded: true }, undefined, ''],
    [{ statusCode: 200, body: 'x', headers: null, cookies: null }, 'text/plain; charset=utf-8', 'x'],
  ])('%j', async (answer, contentType, text) => {
    const outcome = await run(() => answer);
    expect(outcome).toMatchObject({ outcome: 'ok', status: 200 });
    expect([outcome.contentType, textOf(outcome)]).toEqual([contentType, text]);
  });

  it("loses the headers that belong to a connection, or are the mesh's to say", async () => {
    const headers = {
      Connection: 'close',
      'Transfer-Encoding': 'chunked',
      'content-length': '9',
      'Mesh-Log-Tail': 'bm90IGFza2Vk',
      'x-a': 'b',
    };
    expect((await run(() => ({ statusCode: 200, headers }))).meta).toEqual({ headers: { 'x-a': 'b' } });
  });

  it.each<[string, object]>([
    ['a status of 100', { statusCode: 100 }],
    ['a status of 600', { statusCode: 600 }],
    ['half a status', { statusCode: 200.5 }],
    ['no status', { statusCode: Number.NaN }],
    ['a header name with a space', { headers: { 'a b': 'x' } }],
    ['an empty header name', { headers: { '': 'x' } }],
    ['a header with CR LF', { headers: { a: 'x\r\nset-cookie: admin=1' } }],
    ['a header with NUL', { headers: { a: 'x\0' } }],
    ['a header outside Latin-1', { headers: { location: '/→' } }],
    ['a header that is an object', { headers: { a: {} } }],
    ['headers as a list', { headers: ['a: b'] }],
    ['headers as text', { headers: 'a: b' }],
    ['a content type outside ASCII', { headers: { 'content-type': 'text/plän' } }],
    ['two content types', { headers: { 'content-type': ['text/plain', 'text/html'] } }],
    ['a cookie with LF', { cookies: ['a=1\nb'] }],
    ['cookies as text', { cookies: 'a=1' }],
    ['headers without end', { headers: { a: 'x'.repeat(MAX_HEADERS_LENGTH) } }],
    ['base64 that is none', { isBase64Encoded: true, body: 'no!' }],
    ['base64 that is no text', { isBase64Encoded: true, body: 42 }],
  ])('with %s cannot be sent', async (_what, answer) => {
    const outcome = await run(() => ({ statusCode: 200, ...answer }));
    expect(outcome).toMatchObject({
      outcome: 'bad-answer',
      status: 500,
      detail: expect.stringMatching(/\.$/),
    });
  });
});

describe('context(…)', () => {
  it.each<[string, HandlerFunction, Partial<Outcome>, string]>([
    ['OK', (_, c) => c(OK, { a: 1 }), { outcome: 'ok', status: 200 }, '{"a":1}'],
    ['OK with nothing', (_, c) => c(OK), { outcome: 'ok', status: 204 }, ''],
    ['OK with null', (_, c) => c(OK, null), { outcome: 'ok', status: 200 }, 'null'],
    [
      'FAIL',
      (_, c) => c(FAIL, { error: 'Missing ?id=' }),
      { outcome: 'failed', status: 400 },
      '{"error":"Missing ?id="}',
    ],
    ['FAIL with nothing', (_, c) => c(FAIL), { outcome: 'failed', status: 400 }, ''],
    ['a status', (_, c) => c(FAIL, 'gone', { status: 410 }), { outcome: 'failed', status: 410 }, 'gone'],
    [
      'an error status that is OK',
      (_, c) => c(OK, 'x', { status: 503 }),
      { outcome: 'ok', status: 503 },
      'x',
    ],
    [
      'headers',
      (_, c) => c(OK, '<p>', { headers: { 'content-type': 'text/html', 'x-a': 'b' } }),
      { status: 200, contentType: 'text/html', meta: { headers: { 'x-a': 'b' } } },
      '<p>',
    ],
    [
      'what looks like an HTTP answer, a body here',
      (_, c) => c(OK, { statusCode: 404 }),
      { status: 200 },
      '{"statusCode":404}',
    ],
    ['words instead of the constants', (_, c) => c('FAIL', 1), { outcome: 'failed' }, '1'],
    ['a returned value beside it', (_, c) => [c(FAIL, 'no'), 'yes'], { outcome: 'failed' }, 'no'],
  ])('says %s', async (_what, fn, expected, text) => {
    const outcome = await run(fn);
    expect(outcome).toMatchObject(expected);
    expect(textOf(outcome)).toBe(text);
  });

  it('counts the first time; later ones are logged', async () => {
    const host = hostWith();
    const outcome = await run(async (_, context) => {
      context(FAIL, 'first');
      await Promise.resolve();
      return context(OK, 'second');
    }, host);
    expect([outcome.outcome, textOf(outcome)]).toEqual(['failed', 'first']);
    expect(host.logs).toEqual([['warn', 'context(OK) came after context(FAIL): the first one counts']]);
  });

  it('does not save a handler that throws afterwards', async () => {
    const outcome = await run((_, context) => {
      context(OK, 'done');
      throw new Error('not quite');
    });
    expect(outcome).toMatchObject({ outcome: 'handler-error', cause: { message: 'not quite' } });
  });

  it.each<[string, HandlerFunction, string]>([
    ['another word', (_, c) => c('MAYBE' as never), 'handler-error'],
    ['options of another kind', (_, c) => c(OK, 1, 400 as never), 'handler-error'],
    ['a status below 400 for FAIL', (_, c) => c(FAIL, 1, { status: 200 }), 'bad-answer'],
    ['a status as text', (_, c) => c(OK, 1, { status: '200' as never }), 'bad-answer'],
    [
      'a header of its own making',
      (_, c) => c(OK, 1, { headers: { 'a:b': 'x' } as AnswerHeaders }),
      'bad-answer',
    ],
  ])('refuses %s', async (_what, fn, code) => {
    expect(await codeOf(fn)).toBe(code);
  });
});

describe('what a context knows', () => {
  it('may be taken out of it', async () => {
    const host = hostWith();
    await run((_, { version, attempt, remainingTime, signal, log, call }) => {
      expect([version, attempt, signal.reason]).toEqual(['1.2.3', 2, 'late']);
      expect(remainingTime()).toBeGreaterThan(0);
      expect(remainingTime()).toBeLessThanOrEqual(5000);
      log('plain', { a: 1 });
      log.error('bad');
      return call('users/greet');
    }, host);
    expect(host.logs).toEqual([
      ['info', 'plain', { a: 1 }],
      ['error', 'bad', undefined],
    ]);
    expect(host.calls).toHaveLength(1);
  });

  it('never has less than no time left', async () => {
    const fn = (_: unknown, context: HandlerContext) => context.remainingTime();
    expect(textOf(await run(fn, hostWith({ deadline: performance.now() - 1000 })))).toBe('0');
  });

  it('does not make a signal for a handler that does not look', async () => {
    let made = 0;
    const host = hostWith();
    Object.defineProperty(host, 'signal', { get: () => ++made });
    await run((_, context) => context(OK, context.version), host);
    expect(made).toBe(0);
  });
});

describe('context.call', () => {
  const replying = (reply: Partial<CallReply>) =>
    hostWith({
      call: () => Promise.resolve({ outcome: 'ok', status: 200, body: new Uint8Array(0), ...reply }),
    });
  const caught = (_: unknown, context: HandlerContext) =>
    context.call('users/find').catch((error: Record<string, unknown>) => ({
      name: error.name,
      code: error.code,
      status: error.status,
      body: error.body,
    }));

  it('sends JSON, text and bytes, with what time is left', async () => {
    const host = hostWith();
    await run(async (_, context) => {
      await context.call('a', { id: 1 });
      await context.call('b', 'text', { version: 'canary', timeout: 50 });
      await context.call('c', new Uint8Array([1]), { timeout: 999_999 });
      await context.call('d');
    }, host);
    const [a, b, c, d] = host.calls.map(([path, request]) => ({ path, ...request }));
    expect(a).toMatchObject({ path: 'a', contentType: 'application/json', body: Buffer.from('{"id":1}') });
    expect(a?.timeout).toBeGreaterThan(0);
    expect(b).toMatchObject({ contentType: 'text/plain; charset=utf-8', version: 'canary', timeout: 50 });
    expect(c?.timeout).toBeLessThanOrEqual(5000);
    expect(d).toMatchObject({ body: new Uint8Array(0) });
    expect(d).not.toHaveProperty('contentType');
  });

  it.each<[string, Partial<CallReply>, unknown]>([
    ['JSON', { contentType: 'application/json', body: Buffer.from('{"a":1}') }, { a: 1 }],
    ['text', { contentType: 'text/plain; charset=utf-8', body: Buffer.from('1') }, '1'],
    ['nothing', { status: 204 }, undefined],
    ['null', { contentType: 'application/json', body: Buffer.from('null') }, null],
  ])('resolves to %s', async (_what, reply, expected) => {
    let got: unknown = 'none';
    await run(async (_, context) => {
      got = await context.call('users/find');
    }, replying(reply));
    expect(got).toEqual(expected);
  });

  it('throws the other handler’s FAIL, and what went wrong on the way', async () => {
    const failed = {
      outcome: 'failed',
      status: 418,
      contentType: 'text/plain',
      body: Buffer.from('no'),
    } as const;
    expect(JSON.parse(textOf(await run(caught, replying(failed))))).toEqual({
      name: 'CallError',
      code: 'failed',
      status: 418,
      body: 'no',
    });
    const { MeshError } = await import('../../contracts/src/errors.js');
    const host = hostWith({ call: () => Promise.reject(new MeshError('no-route')) });
    expect(JSON.parse(textOf(await run(caught, host)))).toMatchObject({ code: 'no-route', status: 404 });
  });

  it('fails the handler that does not catch', async () => {
    const outcome = await run(
      (_, { call }) => call('users/find'),
      replying({ outcome: 'worker-crashed', status: 502 }),
    );
    expect(outcome).toMatchObject({ outcome: 'handler-error', cause: { name: 'CallError' } });
    expect(outcome.cause?.message).toContain('users/find answered worker-crashed (502)');
  });
});

const throwing = (value: unknown) => () => {
  throw value;
};
const hostile = new Proxy(
  {},
  {
    get: throwing(new Error('trap')),
    getPrototypeOf: throwing(new Error('trap')),
    ownKeys: throwing(new Error('trap')),
    has: throwing(new Error('trap')),
  },
);

describe('a throw', () => {
  it.each<[string, unknown, object]>([
    [
      'an error',
      new RangeError('secret'),
      { name: 'RangeError', message: 'secret', stack: expect.any(String) },
    ],
    ['text', 'secret', { name: 'string', message: 'secret' }],
    ['an object', { secret: 1 }, { message: '{"secret":1}' }],
    ['nothing', undefined, { name: 'string', message: 'undefined' }],
    ['null', null, { message: 'null' }],
    ['a symbol', Symbol('secret'), { name: 'symbol', message: 'Symbol(secret)' }],
    ['a BigInt', 10n, { message: '10' }],
    ['what cannot be read', hostile, { message: '(unreadable)' }],
    [
      'an error with a hostile message',
      Object.defineProperty(new Error(), 'message', { get: throwing(1) }),
      {},
    ],
    ['a revoked proxy', revoked(), { message: '(unreadable)' }],
  ])('of %s is handler-error, and tells outsiders nothing', async (_what, value, cause) => {
    for (const fn of [throwing(value), () => Promise.reject(value)]) {
      const outcome = await run(fn);
      expect(outcome).toMatchObject({ outcome: 'handler-error', status: 500, cause });
      expect(JSON.parse(textOf(outcome))).toEqual({
        type: 'urn:lambda-mesh:error:handler-error',
        title: 'The handler threw an error.',
        status: 500,
        code: 'handler-error',
        fault: 'handler',
        retry: 'later',
        instance: `urn:uuid:${ID}`,
      });
    }
  });

  it.each([
    [7, '7'],
    [0.2, '1'],
    [-1, undefined],
    [1e9, undefined],
    ['soon', undefined],
  ])('may ask to be tried again later, after %p s', async (retryAfter, stated) => {
    const outcome = await run(throwing(Object.assign(new Error('busy'), { retryAfter })));
    expect(outcome.outcome).toBe('handler-error');
    expect(outcome.meta?.headers?.['retry-after']).toBe(stated);
  });

  it('of a hostile promise is one too', async () => {
    const thenable = Object.defineProperty({}, 'then', { get: throwing(new Error('trap')) });
    expect(await codeOf(() => thenable)).toBe('handler-error');
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('what cannot be sent', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const deep = [...Array(100_000)].reduce<unknown>((inner) => [inner], 1);

  it.each<[string, unknown, string]>([
    ['a cycle', cycle, 'refers to itself'],
    ['a BigInt', { id: 10n }, 'BigInt'],
    ['a bare BigInt', 10n, 'BigInt'],
    ['a function', () => 1, 'function'],
    ['a symbol', Symbol('x'), 'symbol'],
    ['a throwing toJSON', { toJSON: throwing(new Error('secret')) }, 'threw'],
    [
      'a throwing getter',
      {
        get secret() {
          throw new Error('secret');
        },
      },
      'threw',
    ],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, 'no JSON'],
    ['what is nested without end', deep, 'too deep'],
    ['an error', new Error('secret'), 'throw it'],
    ['a Response', new Response('x'), 'Response'],
    ['a stream of an old kind', { pipe: () => undefined }, 'wrap'],
  ])('is bad-answer: %s', async (_what, value, reason) => {
    for (const fn of [() => value, (_: unknown, context: HandlerContext) => context(OK, value)]) {
      const outcome = await run(fn as HandlerFunction);
      expect(outcome).toMatchObject({
        outcome: 'bad-answer',
        status: 500,
        contentType: 'application/problem+json',
        detail: expect.stringContaining(reason),
      });
      expect(textOf(outcome)).not.toContain('secret');
    }
  });

  it('is never a fault of the mesh, even when it fights back', async () => {
    expect(await codeOf((_, context) => context(OK, hostile))).toBe('bad-answer');
    const forged = Object.assign(new Error(), { name: 'MeshError', code: 'no-route', detail: 'secret' });
    const outcome = await run(() => ({
      statusCode: 200,
      get headers() {
        throw forged;
      },
    }));
    expect(outcome).toMatchObject({ outcome: 'bad-answer', detail: 'It threw while being read.' });
  });
});
