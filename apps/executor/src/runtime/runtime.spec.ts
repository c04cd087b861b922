import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ControlPath, type HeaderMap, MeshError } from '#contracts';
import type { CallReply, CallRequest, Outcome } from '#handler/runtime';
import { InlineInstance } from './inline.js';
import { processRuntime } from './process.js';
import { DEFAULT_LIMITS, type HandlerPort, type HandlerSpec, type Instance } from './runtime.js';
import { threadRuntime } from './thread.js';

/* Every test here runs in each of them: what a handler is and does must not depend on where it runs. */

const ID = '0190d0c0-0000-7000-8000-000000000001';
/** No test here waits for its end: where a worker gets no processor for long, it is not for that taken for blocked. */
const LIMITS = { ...DEFAULT_LIMITS, graceMs: 2_000 };
const RUNTIMES = {
  inline: (spec: HandlerSpec, port: HandlerPort): Instance => new InlineInstance(spec, port),
  thread: threadRuntime(LIMITS),
  'thread, started ahead': threadRuntime(LIMITS, 2),
  process: processRuntime(LIMITS),
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

class Port implements HandlerPort {
  readonly logs: [level: string, message: string, fields?: object][] = [];
  readonly states: (string | undefined)[] = [];
  readonly calls: [path: string, body: string, request: CallRequest][] = [];
  answer: () => Promise<CallReply> = async () => ({ outcome: 'ok', status: 200, body: Buffer.from('null') });

  log(...[, , level, message, fields]: Parameters<HandlerPort['log']>): void {
    this.logs.push(fields === undefined ? [level, message] : [level, message, fields]);
  }
  call(path: string, request: CallRequest): Promise<CallReply> {
    this.calls.push([path, Buffer.from(request.body).toString(), request]);
    return this.answer();
  }
  state(...[, fault]: Parameters<HandlerPort['state']>): void {
    this.states.push(fault?.code);
  }
}

interface Subject {
  readonly port: Port;
  readonly instance: Instance;
  run(body?: string, headers?: HeaderMap, key?: number): Promise<Outcome>;
}

describe.each(Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[])('%s', (kind) => {
  function subject(code: string, change: Partial<HandlerSpec> = {}): Subject {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-runtime-'));
    writeFileSync(join(folder, 'handler.mjs'), code);
    const port = new Port();
    const spec: HandlerSpec = {
      path: 'users/find' as ControlPath,
      version: '1.2.3',
      entry: 'handler.mjs',
      environment: {},
      folder: async () => folder,
      ...change,
    };
    const instance = RUNTIMES[kind](spec, port);
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    closers.push(() => instance.close());
    let next = 0;
    const run = (body = '', headers: HeaderMap = {}, key = next++) =>
      instance.invoke({ key, id: ID, headers, body: Buffer.from(body), attempt: 1, timeout: 5_000 });
    return { port, instance, run };
  }

  const textOf = ({ body }: Outcome): string => Buffer.from(body).toString();
  const summary = (outcome: Outcome) => [
    outcome.outcome,
    outcome.status,
    outcome.contentType,
    textOf(outcome),
  ];
  const JSON_TYPE = 'application/json';
  const TEXT = 'text/plain; charset=utf-8';

  // Takes 10 s, so it is begun before the others and looked at after them.
  let hangs: Subject & { outcome: Promise<Outcome> };
  let lasting: (() => unknown)[];
  beforeAll(() => {
    const never = subject('await new Promise(() => {}); export default () => 1');
    hangs = { ...never, outcome: never.run() };
    lasting = closers.splice(0);
  });
  afterAll(async () => {
    for (const close of lasting.reverse()) await close();
  });

  it.each<[string, string, unknown[]]>([
    ['an object', '() => ({ a: 1 })', ['ok', 200, JSON_TYPE, '{"a":1}']],
    ['null', '() => null', ['ok', 200, JSON_TYPE, 'null']],
    ['a promise of text', 'async () => "hi"', ['ok', 200, TEXT, 'hi']],
    ['bytes', '() => new Uint8Array([104, 105])', ['ok', 200, 'application/octet-stream', 'hi']],
    ['nothing', '() => {}', ['ok', 204, undefined, '']],
    ['context OK', '(e, c) => c("OK", { a: 1 })', ['ok', 200, JSON_TYPE, '{"a":1}']],
    ['context FAIL', '(e, c) => c("FAIL", { error: "no" })', ['failed', 400, JSON_TYPE, '{"error":"no"}']],
    ['FAIL with a status', '(e, c) => c("FAIL", "x", { status: 409 })', ['failed', 409, TEXT, 'x']],
    ['the second context', '(e, c) => { c("OK", 1); c("FAIL", 2); }', ['ok', 200, JSON_TYPE, '1']],
    ['an HTTP answer', '() => ({ statusCode: 201, body: "made" })', ['ok', 201, TEXT, 'made']],
    [
      'base64',
      '() => ({ statusCode: 200, isBase64Encoded: true, body: "aGk=" })',
      ['ok', 200, 'application/octet-stream', 'hi'],
    ],
  ])('an answer: %s', async (_, code, expected) => {
    expect(summary(await subject(`export default ${code}`).run())).toEqual(expected);
  });

  it.each<[string, string, string, string | undefined]>([
    ['throws', '() => { throw new Error("secret") }', 'handler-error', undefined],
    ['rejects', 'async () => { throw new TypeError("secret") }', 'handler-error', undefined],
    ['throws text', '() => { throw "secret" }', 'handler-error', undefined],
    ['throws nothing', '() => { throw undefined }', 'handler-error', undefined],
    ['rejects with null', '() => Promise.reject(null)', 'handler-error', undefined],
    [
      'throws a proxy that throws',
      '() => { throw new Proxy({}, { get() { throw 1 } }) }',
      'handler-error',
      undefined,
    ],
    [
      'throws after context',
      '(e, c) => { c("OK", 1); throw new Error("secret") }',
      'handler-error',
      undefined,
    ],
    [
      'throws an error of the mesh',
      '() => { throw Object.assign(new Error("secret"), { name: "MeshError", code: "no-route" }) }',
      'handler-error',
      undefined,
    ],
    ['returns a cycle', '() => { const a = {}; a.a = a; return a }', 'bad-answer', 'It refers to itself.'],
    ['returns a BigInt', '() => 1n', 'bad-answer', 'A BigInt has no JSON.'],
    ['returns a BigInt inside', '() => ({ secret: [1n] })', 'bad-answer', 'A BigInt has no JSON.'],
    ['returns a function', '() => () => 1', 'bad-answer', 'There is no JSON for its type: function.'],
    ['returns a symbol', '() => Symbol("secret")', 'bad-answer', 'There is no JSON for its type: symbol.'],
    ['returns an error', '() => new Error("secret")', 'bad-answer', 'It is an error: throw it instead.'],
    [
      'returns what throws when read',
      '() => ({ get a() { throw new Error("secret") } })',
      'bad-answer',
      'It threw while being turned into JSON.',
    ],
    [
      'states a bad header',
      '(e, c) => c("OK", 1, { headers: { "a b": "secret" } })',
      'bad-answer',
      'Its a header name is no token.',
    ],
    [
      'states a header with CR LF',
      '(e, c) => c("OK", 1, { headers: { a: "b\\r\\nsecret: 1" } })',
      'bad-answer',
      'Its a has a character that a header cannot carry.',
    ],
    [
      'states a bad status',
      '() => ({ statusCode: 99 })',
      'bad-answer',
      'Its status must be a whole number from 200 to 599.',
    ],
    ['states no outcome', '(e, c) => c("MAYBE", 1)', 'handler-error', undefined],
  ])('a handler that %s has its defined answer', async (_, code, expected, detail) => {
    const { run, instance } = subject(`export default ${code}`);
    const outcome = await run();
    expect(outcome).toMatchObject({
      outcome: expected,
      status: 500,
      contentType: 'application/problem+json',
    });
    expect(outcome.detail).toBe(detail);
    const problem = JSON.parse(textOf(outcome));
    expect(problem).toMatchObject({ code: expected, instance: `urn:uuid:${ID}` });
    expect(textOf(outcome)).not.toMatch(/secret|\.mjs|node:|\n\s*at /);
    expect(instance.inFlight).toBe(0);
    // And the next one is not touched by it.
    expect((await run()).outcome).toBe(expected);
  });

  it('tells the operator what was thrown', async () => {
    const outcome = await subject('export default () => { throw new RangeError("secret") }').run();
    expect(outcome.cause).toMatchObject({ name: 'RangeError', message: 'secret' });
    expect(outcome.cause?.stack).toContain('handler.mjs');
  });

  it('gives the event and a context', async () => {
    const code = `export default (event, context) => ({
      id: event.id, path: event.path, source: event.source, query: event.query, body: event.body,
      raw: event.raw.length, version: context.version, attempt: context.attempt,
      time: context.remainingTime() > 0 && context.remainingTime() <= 5000, aborted: context.signal.aborted })`;
    const outcome = await subject(code).run('{"id":42}');
    expect(JSON.parse(textOf(outcome))).toEqual({
      id: ID,
      path: 'users/find',
      source: 'nats',
      query: { id: '42' },
      body: { id: 42 },
      raw: 9,
      version: '1.2.3',
      attempt: 1,
      time: true,
      aborted: false,
    });
  });

  it.each<[string, HeaderMap, string, string]>([
    ['meta that is none', { 'mesh-meta': '{' }, '', 'bad-event'],
    ['a body that is no JSON', { 'content-type': 'application/json' }, '{', 'bad-body'],
    [
      'JSON nested 100,000 deep',
      { 'content-type': 'application/json' },
      `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
      'bad-body',
    ],
    ['a malformed content type', { 'content-type': 'json' }, '{}', 'unsupported-media-type'],
    ['a broken form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=%ff', 'bad-body'],
    ['broken multipart', { 'content-type': 'multipart/form-data; boundary=x' }, 'nothing', 'bad-body'],
  ])('refuses %s without running the handler', async (_, headers, body, code) => {
    const { run, port } = subject('export default (e, c) => { c.log("ran"); return 1 }');
    expect((await run(body, headers)).outcome).toBe(code);
    expect(port.logs).toEqual([]);
  });

  it('passes on bodies of any size byte for byte', async () => {
    const { run } = subject('export default (event) => event.raw');
    for (const size of [0, 1, 4_096, 65_535, 65_536, 1_000_000]) {
      const body = Buffer.alloc(size, 'abcdefg').toString();
      const outcome = await run(body, { 'content-type': 'application/octet-stream' });
      expect(textOf(outcome)).toBe(body);
    }
  });

  describe("a caller of Lambda's API, to a handler that takes bodies in pieces", () => {
    const headers = { 'mesh-meta': '{"source":"lambda"}', 'content-type': 'application/json' };
    const code = `export default async ({ stream, attributes }, { awsRequestId }) => {
      let text = ''; for await (const piece of stream) text += Buffer.from(piece);
      if (text.includes('throw')) throw new RangeError('far');
      return { statusCode: 404, body: text, awsRequestId } }`;

    it('has what was returned, and what was thrown', async () => {
      const { run } = subject(code, { body: 'stream' });
      const answer = await run('{"id":42}', headers);
      expect(answer).toMatchObject({ outcome: 'ok', contentType: 'application/json' });
      expect(JSON.parse(textOf(answer))).toEqual({ statusCode: 404, body: '{"id":42}', awsRequestId: ID });
      const thrown = await run('"throw"', headers);
      expect(thrown.outcome).toBe('handler-error');
      expect(JSON.parse(textOf(thrown))).toEqual({ errorType: 'RangeError', errorMessage: 'far', trace: [] });
    });

    it('is told of a payload that is no JSON, or too large', async () => {
      const { run, instance } = subject(code, { body: 'stream' });
      expect(await run('{nope', headers)).toMatchObject({ outcome: 'bad-body' });
      const rest = (async function* () {
        for (let sent = 0; sent < 8; sent++) yield Buffer.alloc(1024 * 1024, ' ');
      })();
      const body = Buffer.from('{}');
      const sent = { key: 99, id: ID, headers, body, rest, attempt: 1, timeout: 5_000 };
      expect(await instance.invoke(sent)).toMatchObject({ outcome: 'payload-too-large' });
    });
  });

  it('runs many at once and mixes none', async () => {
    const code =
      'export default async (e) => { await new Promise((r) => setTimeout(r, e.body % 7)); return e.body }';
    const { run, instance } = subject(code);
    const all = Array.from({ length: 300 }, (_, i) => run(String(i)));
    expect(instance.inFlight).toBe(300);
    expect((await Promise.all(all)).map(textOf)).toEqual(all.map((_, i) => String(i)));
    expect(instance.inFlight).toBe(0);
  });

  it('reports that it is ready once', async () => {
    const { run, port } = subject('export default () => 1');
    await Promise.all([run(), run()]);
    expect(port.states).toEqual([undefined]);
  });

  describe('its log', () => {
    it('has so many lines a second, and of the others their number', async () => {
      const { run, port } = subject(
        'export default (e, { log }) => { for (let i = 0; i < 50_000; i++) log("again") }',
      );
      await run();
      const told = () => port.logs.flatMap(([, text]) => /^… (\d+) lines left out/.exec(text)?.[1] ?? []);
      const said = () => port.logs.length - told().length;
      await waitFor(() => told().reduce((sum, count) => sum + Number(count), said()) === 50_000);
      expect(told().length).toBeGreaterThan(0);
      expect(said()).toBeLessThanOrEqual(10_000 * (told().length + 1));
    });

    it('goes to the port, with fields', async () => {
      const code =
        'export default (e, { log }) => { log("a"); log.debug("b", { n: 1 }); log.warn("c"); log.error(4) }';
      const { run, port } = subject(code);
      await run();
      expect(port.logs).toEqual([
        ['info', 'a'],
        ['debug', 'b', { n: 1 }],
        ['warn', 'c'],
        ['error', '4'],
      ]);
    });

    it.each<[string, string]>([
      ['a function', '{ f() {} }'],
      ['a symbol', '{ s: Symbol("x") }'],
      ['a BigInt', '{ n: 1n }'],
      ['a cycle', '(() => { const a = {}; a.a = a; return a })()'],
      ['a getter that throws', '{ get a() { throw new Error("x") } }'],
      ['toJSON that throws', '{ toJSON() { throw new Error("x") } }'],
      ['a promise', 'Promise.resolve()'],
      ['text', '"fields"'],
      ['a proxy', 'new Proxy({}, { ownKeys() { throw 1 } })'],
      ['a megabyte', '{ big: "x".repeat(1e6) }'],
      ['a class with private parts', 'new (class { #a = 1; b = 2 })()'],
    ])('may hold %s: the handler goes on, and what arrives is small JSON', async (_, fields) => {
      const { run, port } = subject(
        `export default (e, c) => { c.log.info("before", ${fields}); return "went on" }`,
      );
      const other = run();
      expect(textOf(await run())).toBe('went on');
      expect(textOf(await other)).toBe('went on');
      expect(port.logs).toHaveLength(2);
      expect(port.logs[0]?.[1]).toBe('before');
      expect((JSON.stringify(port.logs[0]?.[2]) ?? '').length).toBeLessThan(100_000);
      expect(port.states).toEqual([undefined]);
    });

    it('cuts a message that nobody could read to its end', async () => {
      const { run, port } = subject('export default (e, c) => { c.log("x".repeat(9e6)) }');
      await run();
      expect(port.logs[0]?.[1].length).toBeLessThan(100_000);
    });
  });

  describe('a nested call', () => {
    it('goes to the port and its answer comes back', async () => {
      const { run, port } = subject('export default (e, c) => c.call("users/greet@1.0.0", { a: 1 })');
      port.answer = async () => ({
        outcome: 'ok',
        status: 200,
        contentType: JSON_TYPE,
        body: Buffer.from('{"b":2}'),
      });
      expect(textOf(await run())).toBe('{"b":2}');
      expect(port.calls).toMatchObject([['users/greet@1.0.0', '{"a":1}', { contentType: JSON_TYPE }]]);
      expect(port.calls[0]?.[2].timeout).toBeLessThanOrEqual(5_000);
    });

    it.each(['no-executor', 'deadline-exceeded', 'bad-path'] as const)(
      'that is %s throws it',
      async (code) => {
        const { run, port } = subject(
          'export default (e, c) => c.call("users/greet").catch((x) => ({ name: x.name, code: x.code, status: x.status }))',
        );
        port.answer = () => Promise.reject(new MeshError(code));
        expect(JSON.parse(textOf(await run()))).toMatchObject({ name: 'CallError', code });
      },
    );

    it.each(['Symbol("x")', '{}', 'null', '() => {}', '42'])('of %s harms nobody', async (path) => {
      const code = `export default (e, c) => e.body ? "fine" : c.call(${path}, 1, { version: () => 1 }).catch((x) => "caught")`;
      const { run, port } = subject(code);
      port.answer = () => Promise.reject(new MeshError('bad-path'));
      const [bad, good] = await Promise.all([run(), run('1')]);
      expect([bad, good].map(textOf)).toEqual(['caught', 'fine']);
      expect(port.states).toEqual([undefined]);
    });
  });

  describe('a module that does not load', () => {
    it.each<[string, string, string, Partial<HandlerSpec>]>([
      ['a syntax error', 'export default (', 'load-failed', {}],
      ['a throw at its top', 'throw new Error("secret")', 'load-failed', {}],
      ['a missing import', 'import "not-there-at-all"; export default () => 1', 'load-failed', {}],
      ['a missing file', 'export default () => 1', 'load-failed', { entry: 'other.mjs' }],
      ['no export', 'const a = 1', 'no-handler', {}],
      ['an export that is no function', 'export const handler = 1', 'no-handler', {}],
      [
        'two that could be it',
        'export const handler = () => 1; export const handle = () => 2',
        'no-handler',
        {},
      ],
      ['not the export that the manifest names', 'export default () => 1', 'no-handler', { export: 'find' }],
      [
        'another path',
        'export default { [Symbol.for("lambda-mesh.handler")]: 1, path: "users/other", options: {}, run: () => 1 }',
        'path-mismatch',
        {},
      ],
      [
        'an artifact that is not there',
        '',
        'artifact-missing',
        { folder: () => Promise.reject(new MeshError('artifact-missing', 'Publish it again.')) },
      ],
      [
        'an artifact with other bytes',
        '',
        'artifact-corrupt',
        { folder: () => Promise.reject(new MeshError('artifact-corrupt', 'Publish it again.')) },
      ],
    ])('for %s says so by name, and what to do', async (_, code, expected, change) => {
      const { run, port } = subject(code, change);
      const [one, two] = await Promise.all([run(), run()]);
      for (const outcome of [one, two]) {
        expect(outcome).toMatchObject({ outcome: expected, status: 502 });
        expect(outcome.detail).toMatch(/\w+ .*\./);
        expect(textOf(outcome)).not.toMatch(/secret|not-there|\/tmp|\n\s*at /);
      }
      expect(port.states[0]).toBe(expected);
      expect((await run()).outcome).toBe(expected);
    });

    it('because it hangs is load-timeout', async () => {
      const outcome = await hangs.outcome;
      expect(outcome).toMatchObject({ outcome: 'load-timeout', status: 502 });
      expect(outcome.detail).toContain('after 10 s');
      expect(hangs.port.states).toEqual(['load-timeout']);
    });

    it('is loaded once its artifact is there', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'mesh-runtime-'));
      closers.push(() => rmSync(folder, { recursive: true, force: true }));
      writeFileSync(join(folder, 'handler.mjs'), 'export default () => "here"');
      let there = false;
      const { run, port } = subject('', {
        folder: async () => {
          if (!there) throw new MeshError('artifact-missing');
          return folder;
        },
      });
      expect((await run()).outcome).toBe('artifact-missing');
      there = true;
      expect(textOf(await run())).toBe('here');
      expect(port.states).toEqual(['artifact-missing', undefined]);
    });
  });

  describe('a run that is aborted', () => {
    it('sees its signal, and no other run does', async () => {
      // The other one is done a moment after this one was told, so that it would have been told as well.
      const code = `let told = () => {};
        export default (e, { signal, log }) => new Promise((done) => {
          signal.addEventListener('abort', () => { log(String(signal.reason.message)); done('aborted'); told() });
          if (e.body) told = () => setTimeout(done, 20, 'done');
          log('waits') })`;
      const { run, instance, port } = subject(code);
      void run('', {}, 100);
      const other = run('1', {}, 101);
      await waitFor(() => port.logs.length === 2);
      instance.abort(100, 'the deadline passed');
      instance.abort(999, 'never was');
      expect(textOf(await other)).toBe('done');
      expect(port.logs.map(([, message]) => message)).toEqual(['waits', 'waits', 'the deadline passed']);
    });

    it('and never settles does not hold up the end', async () => {
      const { run, instance, port } = subject(
        'export default (e, c) => { c.log("runs"); return new Promise(() => {}) }',
      );
      void run('', {}, 7);
      await waitFor(() => port.logs.length === 1);
      expect(instance.inFlight).toBe(1);
      instance.abort(7, 'the deadline passed');
      expect(instance.inFlight).toBe(0);
      await instance.close();
    });
  });

  it('closes after what is in flight', async () => {
    const { run, instance, port } = subject(
      'export default async (e, c) => { c.log("runs"); await new Promise((r) => setTimeout(r, 50)); return "done" }',
    );
    const running = run();
    await waitFor(() => port.logs.length === 1);
    let answered = false;
    void running.then(() => {
      answered = true;
    });
    await instance.close();
    expect(answered).toBe(true);
    expect(textOf(await running)).toBe('done');
  });

  it('closes when it was never used', () => subject('').instance.close());
});

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
