import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { HandlerContext, HandlerEvent, HandlerFunction } from './author-types.js';
import { FAIL, handler, OK } from './definition.js';
import type { Host } from './host.js';
import { type Answer, type Outcome, openAnswer, resolveHandler, runHandler } from './runtime.js';
import { sse } from './sse.js';

const ID = '01890000-0000-7000-8000-000000000001';
const KIB = 1024;
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

async function answered(fn: HandlerFunction): Promise<Answer> {
  const host = { log: () => undefined, version: '1', attempt: 1, deadline: 0 } as unknown as Host;
  return runHandler(resolveHandler({ default: handler('a', fn) }), { id: ID } as HandlerEvent, host);
}
async function begun(fn: HandlerFunction): Promise<Outcome> {
  const answer = await answered(fn);
  if (!answer.rest) throw new Error('no stream');
  return openAnswer(answer, answer.rest, ID);
}
const returned = (value: unknown): Promise<Outcome> => begun(() => value);

async function pieces({ body, rest }: Outcome): Promise<Uint8Array[]> {
  const all = body.length > 0 ? [body] : [];
  for await (const piece of rest ?? []) all.push(piece);
  return all;
}
const texts = async (outcome: Outcome) =>
  (await pieces(outcome)).map((piece) => Buffer.from(piece).toString());
const textOf = async (outcome: Outcome) => (await texts(outcome)).join('');

async function* gives(...values: unknown[]): AsyncGenerator<unknown> {
  for (const value of values) {
    if (value === later) await later();
    else yield value;
  }
}
const web = (...values: unknown[]) => ReadableStream.from(gives(...values));
function* numbers() {
  for (let i = 0; i < 3; i++) yield i;
}

describe('a returned stream', () => {
  it.each<[string, () => unknown, string | undefined, string]>([
    ['a generator of text', () => gives('a', 'é'), 'text/plain; charset=utf-8', 'aé'],
    [
      'a generator of bytes',
      () => gives(Buffer.from('a'), new Uint8Array([98])),
      'application/octet-stream',
      'ab',
    ],
    [
      'a generator of objects',
      () => gives({ a: 1 }, [2], null, 3),
      'application/x-ndjson',
      '{"a":1}\n[2]\nnull\n3\n',
    ],
    ['a generator that is not asynchronous', () => numbers(), 'application/x-ndjson', '0\n1\n2\n'],
    ['a web stream', () => web('a', later, 'b'), 'text/plain; charset=utf-8', 'ab'],
    [
      'a stream of Node',
      () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
      'application/octet-stream',
      'ab',
    ],
    ['a Blob', () => new Blob(['ab']), 'application/octet-stream', 'ab'],
    ['a Blob that has a type', () => new Blob(['ab'], { type: 'text/csv' }), 'text/csv', 'ab'],
    ['what comes late', () => gives(later, 'a', later, 'b'), 'text/plain; charset=utf-8', 'ab'],
    ['empty pieces', () => gives('', later, '', 'a', ''), 'text/plain; charset=utf-8', 'a'],
    ['nothing at all', () => gives(), undefined, ''],
    ['nothing, after a while', () => gives(later), undefined, ''],
  ])('is sent as it comes: %s', async (_, make, contentType, text) => {
    const outcome = await returned(make());
    expect(outcome).toMatchObject({ outcome: 'ok', status: 200 });
    expect(outcome.contentType).toBe(contentType);
    expect(await textOf(outcome)).toBe(text);
  });

  it('may be the body of an HTTP answer, or what context is told', async () => {
    const headers = { 'content-type': 'text/csv', a: 'b' };
    for (const outcome of [
      await returned({ statusCode: 206, headers, body: gives(later, 'a,b') }),
      await begun((_, context) => context(OK, gives(later, 'a,b'), { status: 206, headers })),
    ]) {
      expect(outcome).toMatchObject({ status: 206, contentType: 'text/csv', meta: { headers: { a: 'b' } } });
      expect(await texts(outcome)).toEqual(['a,b']);
    }
    expect(await begun((_, context: HandlerContext) => context(FAIL, gives('no')))).toMatchObject({
      outcome: 'failed',
      status: 400,
      body: Buffer.from('no'),
    });
  });

  it('that has ended when its first pieces are there is an answer like any other', async () => {
    const outcome = await returned(gives('a', 'b'));
    expect([outcome.rest, Buffer.from(outcome.body).toString()]).toEqual([undefined, 'ab']);
  });

  it('begins at once where its type is known, and with its first piece where that says it', async () => {
    const stated = await returned({
      statusCode: 200,
      headers: { 'content-type': 'a/b' },
      body: gives(later, 'x'),
    });
    expect(stated.body).toHaveLength(0);
    expect(await texts(stated)).toEqual(['x']);
    const unstated = await returned(gives(later, 'x', later));
    expect(Buffer.from(unstated.body).toString()).toBe('x');
  });

  it('that breaks off before anything had to be sent is an error like any other', async () => {
    async function* throws() {
      yield 'a';
      throw new Error('secret');
    }
    const outcome = await returned(throws());
    expect(outcome).toMatchObject({ outcome: 'handler-error', status: 500, cause: { message: 'secret' } });
    expect(Buffer.from(outcome.body).toString()).not.toContain('secret');
    expect(await returned(gives(1n))).toMatchObject({
      outcome: 'bad-answer',
      detail: 'A BigInt has no JSON.',
    });
    const locked = new ReadableStream();
    locked.getReader();
    expect((await answered(() => locked)).outcome).toBe('bad-answer');
  });

  const iterable = (parts: object) => ({ [Symbol.asyncIterator]: () => parts });
  it.each<[string, () => object, string]>([
    ['whose next() gives nothing', () => iterable({ next: () => undefined }), 'handler-error'],
    ['whose next() throws', () => iterable({ next: () => JSON.parse('{') }), 'handler-error'],
    ['without next()', () => iterable({}), 'handler-error'],
    ['that has no iterator', () => iterable(null as unknown as object), 'handler-error'],
    ['whose iterator cannot be had', () => ({ [Symbol.asyncIterator]: () => JSON.parse('{') }), 'bad-answer'],
    ['whose values throw while being read', () => gives({ toJSON: () => JSON.parse('{') }), 'bad-answer'],
    [
      'that gives what cannot be sent, and then throws where it is ended',
      () =>
        iterable({
          next: async () => ({ done: false, value: undefined }),
          return: () => JSON.parse('{'),
        }),
      'bad-answer',
    ],
    ['of an old kind', () => ({ getReader: () => undefined }), 'handler-error'],
  ])('%s is a fault of the handler alone', async (_, make, code) => {
    const answer = await answered(make);
    const { rest } = answer;
    const outcome = rest ? await openAnswer(answer, rest, ID) : answer;
    expect(outcome.outcome).toBe(code);
    await rest?.ended;
  });

  it.each<[string, unknown, string]>([
    ['throws', () => Promise.reject(new Error('secret')), 'handler-error'],
    ['gives what cannot be sent', () => undefined, 'bad-answer'],
    ['gives a stream', () => gives(), 'bad-answer'],
    ['gives an error', () => new Error('secret'), 'bad-answer'],
  ])('that %s later gives all before that, and breaks off', async (_, last, code) => {
    let ended = false;
    async function* source() {
      try {
        yield 'a';
        await later();
        yield 'b';
        yield await (last as () => unknown)();
      } finally {
        ended = true;
      }
    }
    const { body, rest } = await returned(source());
    const got = [Buffer.from(body).toString()];
    const taking = (async () => {
      for await (const piece of rest as AsyncIterable<Uint8Array>) got.push(Buffer.from(piece).toString());
    })();
    await expect(taking).rejects.toMatchObject({ name: 'MeshError', code });
    expect([got, ended]).toEqual([['a', 'b'], true]);
  });
});

describe('pieces', () => {
  it('of one turn go together, up to 64 KiB', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => ({ i }));
    const all = await pieces(await returned(gives(...lines)));
    expect(Buffer.concat(all).toString()).toBe(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(all.length).toBeLessThan(30);
    expect(Math.max(...all.map(({ length }) => length))).toBeLessThanOrEqual(64 * KIB + 20);
  });

  it('that are large are cut, and copied before the handler is asked for more', async () => {
    const buffer = Buffer.alloc(150 * KIB);
    async function* reuses() {
      for (let i = 1; i <= 3; i++) {
        buffer.fill(i);
        yield buffer;
        buffer.fill(9);
        yield buffer.subarray(0, 5);
      }
    }
    const all = Buffer.concat(await pieces(await returned(reuses())));
    const expected = [1, 2, 3].flatMap((i) => [Buffer.alloc(150 * KIB, i), Buffer.alloc(5, 9)]);
    expect(all.equals(Buffer.concat(expected))).toBe(true);
  });

  it('are asked for only while somebody takes them', async () => {
    let asked = 0;
    async function* source() {
      for (;;) {
        asked++;
        yield Buffer.alloc(32 * KIB);
      }
    }
    const { rest } = await returned(source());
    await later();
    expect(asked).toBeLessThanOrEqual(3);
    await (rest as AsyncIterableIterator<Uint8Array>).next();
    await later();
    expect(asked).toBeLessThanOrEqual(5);
  });

  it('without end and without content leave the others their turn', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    function* empty() {
      while (turns < 3) yield '';
    }
    expect(await textOf(await returned(empty()))).toBe('');
    clearInterval(timer);
  });
});

describe('who wants no more', () => {
  it.each<[string, (ended: () => void) => unknown]>([
    [
      'a generator',
      async function* (ended) {
        try {
          for (;;) {
            yield 'x';
            await later();
          }
        } finally {
          ended();
        }
      },
    ],
    [
      'a web stream that waits',
      (ended) =>
        new ReadableStream({
          start: (c) => c.enqueue('x'),
          pull: () => new Promise(() => {}),
          cancel: ended,
        }),
    ],
    [
      'a stream of Node that waits',
      (ended) => {
        const close = (_: unknown, done: (error: null) => void) => {
          ended();
          done(null);
        };
        return new Readable({ read: () => undefined, destroy: close });
      },
    ],
  ])('ends %s, and the one who waits gets no more', async (_, make) => {
    const end = Promise.withResolvers<void>();
    const answer = await answered(() => ({
      statusCode: 200,
      headers: { 'content-type': 'a/b' },
      body: make(end.resolve),
    }));
    const stream = answer.rest as NonNullable<Answer['rest']>;
    await openAnswer(answer, stream, ID);
    // The first piece may be here, or still to come; then one that does not come.
    const first = stream.next();
    const next = (await Promise.race([first, later()])) ? stream.next() : first;
    expect(await stream.return()).toMatchObject({ done: true });
    expect(await next).toEqual({ done: true, value: undefined });
    await end.promise;
    await stream.ended;
  });

  it('has not ended a generator that waits for what never comes', async () => {
    const outcome = await answered(async function* () {
      yield 'x';
      await new Promise(() => {});
    });
    const stream = outcome.rest as NonNullable<Answer['rest']>;
    await openAnswer(outcome, stream, ID);
    const next = stream.next();
    await stream.return();
    expect(await next).toMatchObject({ done: true });
    expect(await Promise.race([stream.ended.then(() => 'ended'), later().then(() => 'waits')])).toBe('waits');
  });
});

describe('sse', () => {
  it('writes events by the standard', async () => {
    const outcome = await returned(
      sse([
        { event: 'tick', id: '7', retry: 1000, data: { n: 1 } },
        'one\r\ntwo',
        { comment: 'still here' },
        { data: '' },
      ]),
    );
    expect(outcome).toMatchObject({
      status: 200,
      contentType: 'text/event-stream',
      meta: { headers: { 'cache-control': 'no-cache' } },
    });
    expect(await textOf(outcome)).toBe(
      'event: tick\nid: 7\nretry: 1000\ndata: {"n":1}\n\ndata: one\ndata: two\n\n: still here\n\ndata: \n\n',
    );
  });

  it('lets no field break out of its line', async () => {
    expect(await returned(sse([{ event: 'a\ndata: b', data: 1 }]))).toMatchObject({
      outcome: 'handler-error',
    });
  });

  it('ends the events behind it', async () => {
    const end = Promise.withResolvers<void>();
    async function* ticks() {
      try {
        for (;;) {
          yield { data: 1 };
          await later();
        }
      } finally {
        end.resolve();
      }
    }
    const { rest } = await returned(sse(ticks()));
    await (rest as AsyncIterableIterator<Uint8Array>).return?.();
    await end.promise;
  });
});
