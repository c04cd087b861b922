import { describe, expect, it } from '@jest/globals';
import type { HandlerContext, HandlerEvent } from './author-types.js';
import { FAIL, handler, OK } from './definition.js';
import { call, testMesh } from './testing.js';

const echo = handler(
  'test/echo',
  { version: '3.1.0' },
  ({ source, method, query, headers, body, params }) => ({
    source,
    method,
    query,
    headers,
    params,
    body,
  }),
);

describe('call', () => {
  it('makes a GET of nothing, and a POST of something', async () => {
    expect((await call(echo)).body).toMatchObject({ source: 'http', method: 'GET', query: {}, body: null });
    expect((await call(echo, { body: { a: 1 } })).body).toMatchObject({ method: 'POST', body: { a: 1 } });
  });

  it.each([
    ['values', { query: { a: '1', b: ['2', '3'] } }, { query: { a: '1', b: ['2', '3'] } }],
    ['a query string', { query: 'a=%20' }, { query: { a: ' ' } }],
    [
      'params and headers',
      { params: { id: '1' }, headers: { 'x-a': 'b' } },
      { params: { id: '1' }, headers: { 'x-a': 'b' } },
    ],
    ['text', { body: 'plain' }, { body: 'plain' }],
    ['text with a content type', { body: '1', headers: { 'content-type': 'text/plain' } }, { body: '1' }],
    ['a form', { body: new URLSearchParams({ a: '1' }) }, { body: { a: '1' } }],
    [
      'another source',
      { source: 'mqtt' as const, body: { id: 7 } },
      { source: 'mqtt', query: { id: '7' }, body: { id: 7 } },
    ],
  ])('sends %s', async (_what, event, expected) => {
    expect((await call(echo, event)).body).toMatchObject(expected);
  });

  it('sends multipart forms with files', async () => {
    const form = new FormData();
    form.append('file', new Blob(['x'], { type: 'text/plain' }), 'a.txt');
    const size = handler<{ file: { filename: string; content: Uint8Array } }>('a', ({ body }) => [
      body.file.filename,
      body.file.content.length,
    ]);
    expect((await call(size, { body: form })).body).toEqual(['a.txt', 1]);
  });

  it('takes definitions, functions and modules', async () => {
    expect((await call(() => 'x')).body).toBe('x');
    expect((await call({ handle: (payload: string) => payload.length }, { body: 'four' })).body).toBe(4);
    expect((await call({ default: echo })).outcome).toBe('ok');
    await expect(call({ nothing: 1 })).rejects.toMatchObject({ code: 'no-handler' });
  });

  it('refuses what an executor refuses', async () => {
    const answer = await call(echo, { body: '{', headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ outcome: 'bad-body', status: 400, body: { code: 'bad-body' } });
  });

  it('knows version, attempt and time, and collects what is logged', async () => {
    const fn = (_: HandlerEvent, { version, attempt, remainingTime, log }: HandlerContext) => {
      log.warn('careful', { a: 1 });
      return [version, attempt, remainingTime() <= 70];
    };
    const answer = await call(handler('a/b', { version: '3.1.0' }, fn), {}, { attempt: 2, timeout: 70 });
    expect(answer.body).toEqual(['3.1.0', 2, true]);
    expect(answer.logs).toEqual([{ path: 'a/b', level: 'warn', message: 'careful', fields: { a: 1 } }]);
  });

  it('stops waiting at the deadline, and aborts the signal', async () => {
    let reason: unknown;
    const forever = (_: HandlerEvent, { signal }: HandlerContext) =>
      new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason)));
    expect(await call(forever, {}, { timeout: 10 })).toMatchObject({
      outcome: 'deadline-exceeded',
      status: 504,
    });
    expect(reason).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('gives the bytes of an answer that is not what its content type says', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await call(() => ({ statusCode: 200, headers, body: '{' }));
    expect(answer).toMatchObject({ outcome: 'ok', body: Buffer.from('{') });
  });

  it('gives the cause to the test, and not to the caller', async () => {
    const answer = await call(() => {
      throw new Error('secret');
    });
    expect(answer).toMatchObject({ outcome: 'handler-error', cause: { message: 'secret' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });
});

describe('testMesh', () => {
  const outer = handler('a/outer', async (_, context) => ({
    inner: await context.call('a/inner', { n: 1 }),
  }));
  const inner = handler('a/inner', ({ source, query }, { log }) => {
    log('inner');
    return { source, n: query.n };
  });

  it('lets handlers call each other, and collects all their logs', async () => {
    const answer = await testMesh(outer, inner).call('a/outer');
    expect(answer.body).toEqual({ inner: { source: 'call', n: '1' } });
    expect(answer.logs).toMatchObject([{ path: 'a/inner', message: 'inner' }]);
  });

  it('swaps handlers for a test, and puts them back', async () => {
    const mesh = testMesh(outer, { 'a/inner': inner });
    mesh.use('a/inner', () => 'fake').use(handler('a/more', () => 'more'));
    expect((await mesh.call('a/outer')).body).toEqual({ inner: 'fake' });
    expect((await mesh.call('a/more')).body).toBe('more');
    mesh.use('a/inner', (_: HandlerEvent, context: HandlerContext) => context(FAIL, 'no'));
    expect(await mesh.call('a/outer')).toMatchObject({ outcome: 'handler-error' });
    mesh.reset();
    expect(await mesh.call('a/outer')).toMatchObject({ body: { inner: { n: '1' } } });
    expect(await mesh.call('a/more')).toMatchObject({ outcome: 'no-route', status: 404 });
  });

  it('answers a call to nobody as the mesh does', async () => {
    const answer = await testMesh(outer).call('a/outer');
    expect(answer.cause?.message).toContain('a/inner answered no-route (404)');
  });

  it('gives a called handler no more time than its caller has left', async () => {
    const slow = handler('a/slow', (_, context) => context(OK, context.remainingTime()));
    const asking = handler('a/asking', (_, context) =>
      context.call('a/slow', undefined, { timeout: 60_000 }),
    );
    const answer = await testMesh(slow, asking).call<number>('a/asking', {}, { timeout: 1000 });
    expect(answer.body).toBeLessThanOrEqual(1000);
  });
});

describe('an answer in pieces', () => {
  const ticks = handler('test/ticks', (_event, { signal }) => ({
    statusCode: 200,
    headers: { 'content-type': 'text/plain' },
    body: (async function* () {
      try {
        for (let n = 1; ; n++) {
          yield `${n};`;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        ended.push(signal.aborted);
      }
    })(),
  }));
  let ended: boolean[] = [];

  it('is taken as it comes, and as far as it is wanted', async () => {
    ended = [];
    const answer = await call<string>(ticks, {}, { take: 3 });
    expect(answer).toMatchObject({ outcome: 'ok', status: 200, body: '1;2;3;' });
    expect(answer.pieces.map((piece) => Buffer.from(piece).toString())).toEqual(['1;', '2;', '3;']);
    while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toHaveLength(1);
  });

  it('ends at the deadline, and breaks off where the handler does', async () => {
    ended = [];
    expect(await call(ticks, {}, { timeout: 50 })).toMatchObject({
      outcome: 'deadline-exceeded',
      status: 504,
    });
    while (ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toEqual([true]);
    const broken = handler('test/broken', async function* () {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('why');
    });
    expect(await call(broken)).toMatchObject({
      outcome: 'handler-error',
      status: 200,
      raw: Buffer.from('a'),
      cause: { message: 'why' },
    });
  });

  it('may be made of a body in pieces', async () => {
    const shout = handler('test/shout', { body: 'stream' }, async function* ({ stream }) {
      for await (const piece of stream) yield Buffer.from(piece).toString().toUpperCase();
    });
    expect(await call(shout, { body: 'abc' })).toMatchObject({ outcome: 'ok', body: 'ABC' });
  });
});
