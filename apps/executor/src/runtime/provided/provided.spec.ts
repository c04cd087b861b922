import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ControlPath, MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { monotonicNow } from '../clock.js';
import { DEFAULT_LIMITS, type HandlerPort, type HandlerSpec, type Instance } from '../runtime.js';
import { providedRuntime } from './provided.js';

/* Programs that poll the Runtime API, written in JavaScript so that this machine has what they need. */

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** `next`, `answer`, `fail` of Lambda's Runtime API, for the programs below. */
const CLIENT = `#!/usr/bin/env node
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/';
const text = async (response) => ({ status: response.status, headers: response.headers, text: await response.text() });
const get = (path) => fetch(base + path).then(text);
const post = (path, body, headers = {}) => fetch(base + path, { method: 'POST', body, headers }).then(text);
const next = async () => {
  const { headers, text } = await get('invocation/next');
  return { id: headers.get('lambda-runtime-aws-request-id'), headers, event: JSON.parse(text) };
};
const answer = (id, value) => post('invocation/' + id + '/response', JSON.stringify(value));
const fail = (id, error, type = 'Function.Error') =>
  post('invocation/' + id + '/error', JSON.stringify(error), { 'lambda-runtime-function-error-type': type });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;
const serving = (handle: string) => `
(async () => { for (;;) { const { id, headers, event } = await next(); ${handle} } })()`;

interface Subject {
  readonly folder: string;
  readonly states: (string | undefined)[];
  readonly logs: { id: string; message: string }[];
  readonly instance: Instance;
  run(
    body?: string,
    options?: { id?: string; timeout?: number; headers?: Record<string, string> },
  ): Promise<Outcome>;
}

function program(code: string, change: Partial<HandlerSpec> = {}): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-provided-'));
  writeFileSync(join(folder, 'bootstrap'), CLIENT + code);
  chmodSync(join(folder, 'bootstrap'), 0o700);
  const states: (string | undefined)[] = [];
  const logs: { id: string; message: string }[] = [];
  const port: HandlerPort = {
    log: (_spec, id, _level, message) => void logs.push({ id, message }),
    call: () => Promise.reject(new MeshError('no-route')),
    state: (_spec, fault) => void states.push(fault?.code),
  };
  const spec: HandlerSpec = {
    path: 'users/find' as ControlPath,
    version: '1.0.0',
    provided: { http: [], event: 'payload', concurrency: 1 },
    entry: 'bootstrap',
    environment: {},
    folder: () => Promise.resolve(folder),
    ...change,
  };
  const instance = providedRuntime(DEFAULT_LIMITS)(spec, port);
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  closers.push(() => instance.close());
  let key = 0;
  // As the executor does it: answered at the deadline, then aborted.
  const run: Subject['run'] = (body = 'null', { id = `id-${key}`, timeout = 20_000, headers = {} } = {}) => {
    const own = key++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(errorOutcome(new MeshError('deadline-exceeded'), id));
        instance.abort(own, 'the deadline passed');
      }, timeout).unref();
      const invocation = { key: own, id, headers, body: Buffer.from(body), attempt: 1, timeout };
      void instance.invoke(invocation).then((outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  };
  return { folder, states, logs, instance, run };
}

const textOf = ({ body }: Outcome): string => Buffer.from(body).toString();
const jsonOf = (outcome: Outcome): unknown => JSON.parse(textOf(outcome));
/** What nobody has taken notice of is a zombie: state Z of proc(5). */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('a program that polls the Runtime API', () => {
  it('gets each event and answers it', async () => {
    const { run, states } = program(serving('await answer(id, { got: event })'));
    const outcomes = await Promise.all([run('1'), run('"two"'), run('{"n":3}')]);
    expect(outcomes.map(jsonOf)).toEqual([{ got: 1 }, { got: 'two' }, { got: { n: 3 } }]);
    expect(outcomes[0]).toMatchObject({ outcome: 'ok', status: 200, contentType: 'application/json' });
    expect(states).toEqual([undefined]);
  });

  it('is told what Lambda tells', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { run } = program(serving('await answer(id, { ...Object.fromEntries(headers), now: Date.now() })'));
    const told = jsonOf(await run('{}', { id: 'the-id', headers: { traceparent } })) as Record<
      string,
      string
    >;
    expect(told).toMatchObject({
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': 'the-id',
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:users/find',
      'lambda-runtime-trace-id': 'Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1',
    });
    const left = Number(told['lambda-runtime-deadline-ms']) - Number(told.now);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(20_000);
  });

  it('has the environment of a Lambda function, and nothing of the executor', async () => {
    process.env.MESH_TEST_SECRET = 'secret';
    const { run } = program(serving('await answer(id, { ...process.env, cwd: process.cwd() })'), {
      environment: { COLOUR: 'blue' },
      export: 'function.handler',
    });
    const environment = jsonOf(await run()) as Record<string, string>;
    delete process.env.MESH_TEST_SECRET;
    expect(environment).toMatchObject({
      COLOUR: 'blue',
      _HANDLER: 'function.handler',
      AWS_LAMBDA_FUNCTION_NAME: 'users/find',
      AWS_LAMBDA_FUNCTION_VERSION: '1.0.0',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      TZ: ':UTC',
      cwd: environment.LAMBDA_TASK_ROOT,
    });
    expect(environment.AWS_LAMBDA_RUNTIME_API).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(Object.keys(environment).filter((name) => /MESH|NATS|NODE|npm/.test(name))).toEqual([]);
  });

  it('logs what it prints, under the event that it has', async () => {
    // What it prints and what it answers take ways of their own: it answers when the former has arrived.
    const { run, logs, instance, folder } = program(
      `const { existsSync } = process.getBuiltinModule('node:fs'); console.log('begins');${serving(`
      console.log('of ' + event); console.error('and more');
      while (!existsSync('heard-' + event)) await wait(10);
      await answer(id, null)`)}`,
    );
    const heard = async (lines: number, event: string) => {
      await until(() => logs.length === lines);
      writeFileSync(join(folder, `heard-${event}`), '');
    };
    await instance.warm();
    await heard(1, '0');
    await Promise.all([run('1', { id: 'first' }), heard(3, '1')]);
    await Promise.all([run('2', { id: 'second' }), heard(5, '2')]);
    // Its two streams are two pipes, in no order.
    expect(logs.map(({ id, message }) => `${id}: ${message}`).sort()).toEqual([
      ': begins',
      'first: and more',
      'first: of 1',
      'second: and more',
      'second: of 2',
    ]);
  });
});

describe('an error', () => {
  it('that it reports is an error of the handler, with its trace for the operator alone', async () => {
    const { run } = program(
      serving(`await fail(id, { errorType: 'Oops', errorMessage: 'secret', stackTrace: ['a', 'b'] }, event)`),
    );
    const outcome = await run('"Function.Oops"');
    expect(outcome).toMatchObject({
      outcome: 'handler-error',
      status: 500,
      cause: { name: 'Oops', message: 'secret', stack: 'a\nb' },
    });
    expect(textOf(outcome)).not.toContain('secret');
  });

  it('named Function.Failed is the no of the handler', async () => {
    const { run } = program(
      serving(
        `await fail(id, { errorType: 'Failed', errorMessage: '{"error":"Missing ?id="}' }, 'Function.Failed')`,
      ),
    );
    const outcome = await run();
    expect(outcome).toMatchObject({ outcome: 'failed', status: 400, contentType: 'application/json' });
    expect(jsonOf(outcome)).toEqual({ error: 'Missing ?id=' });
  });

  it('before the first event is told, and the next call tries anew', async () => {
    const { run, states } = program(
      `post('init/error', JSON.stringify({ errorType: 'NoConfig', errorMessage: 'x' }), { 'lambda-runtime-function-error-type': 'Runtime.NoConfig' })`,
    );
    expect(await run()).toMatchObject({ outcome: 'load-failed', status: 502, cause: { name: 'NoConfig' } });
    expect(await run()).toMatchObject({ outcome: 'load-failed' });
    expect(states).toEqual(['load-failed', 'load-failed']);
  });

  it('of a program that ends before it polls has its last words for the operator', async () => {
    const { run } = program(`console.error('no database'); process.exitCode = 3`);
    expect(await run()).toMatchObject({
      outcome: 'worker-crashed',
      cause: { message: 'no database' },
      detail: 'Its bootstrap ended with code 3.',
    });
  });

  it('is none when its file is still held open for writing: it is started a moment later', async () => {
    const { run, folder } = program(serving('await answer(id, event)'));
    const file = openSync(join(folder, 'bootstrap'), 'r+');
    setTimeout(() => closeSync(file), 40);
    expect(jsonOf(await run('1'))).toBe(1);
  });

  it('of a program whose interpreter is not there says so', async () => {
    const { run, folder } = program('');
    writeFileSync(join(folder, 'bootstrap'), '#!/none/such\n');
    expect(await run()).toMatchObject({
      outcome: 'load-failed',
      detail: expect.stringContaining('interpreter') as unknown as string,
    });
  });
});

describe('what it may not', () => {
  it('is refused in the words of Lambda, and the run goes on', async () => {
    const { run, logs } = program(
      serving(`
      const busy = await get('invocation/next');
      const other = await post('invocation/none/response', '1');
      const init = await post('init/error', '{}');
      const nowhere = await get('invocation/' + id + '/response');
      const given = await answer(id, 'the first');
      const twice = await answer(id, 'the second');
      console.log(JSON.stringify([busy, other, init, nowhere, given, twice].map(({ status, text }) => [status, JSON.parse(text).errorType])))`),
    );
    expect(textOf(await run())).toBe('"the first"');
    await until(() => logs.length > 0);
    expect(JSON.parse(logs[0]?.message ?? '')).toEqual([
      [403, 'InvalidStateTransition'],
      [400, 'InvalidRequestID'],
      [403, 'InvalidStateTransition'],
      [404, 'NotFound'],
      [202, null],
      [403, 'InvalidStateTransition'],
    ]);
    expect(textOf(await run())).toBe('"the first"');
  });

  it('is an answer over 6 MiB and 100 bytes: 413, and the caller is told', async () => {
    const { run } = program(
      serving(`
      const { status } = await post('invocation/' + id + '/response', 'x'.repeat(event));
      if (status !== 202) console.log(status)`),
    );
    const most = 6 * 1024 * 1024 + 100;
    expect(await run(String(most))).toMatchObject({ outcome: 'ok' });
    expect(await run(String(most + 1))).toMatchObject({ outcome: 'answer-too-large', status: 500 });
    expect(await run('3')).toMatchObject({ outcome: 'ok' });
  });

  it('is an error of that size: 413, and its type is kept', async () => {
    const { run, logs } = program(
      serving(`
      const { status } = await fail(id, { errorMessage: 'x'.repeat(7_000_000) }, 'Function.Oops');
      console.log(status)`),
    );
    expect(await run()).toMatchObject({
      outcome: 'handler-error',
      cause: { name: 'Function.Oops', message: expect.stringContaining('Exceeded') as unknown },
    });
    await until(() => logs.some(({ message }) => message === '413'));
  });
});

describe('an executor outlives a program that', () => {
  /** Sends bytes as they are, and resolves with the first line of the answer. */
  const RAW = `const net = await import('node:net');
    const raw = (text) => new Promise((resolve) => {
      const socket = net.connect(Number(process.env.AWS_LAMBDA_RUNTIME_API.split(':')[1]), '127.0.0.1', () => socket.write(text));
      socket.once('data', (data) => { socket.destroy(); resolve(String(data).split('\\r')[0]); });
    });`;
  const post = (fields: string, body: string) =>
    `await raw('POST /2018-06-01/runtime/invocation/' + id + '/response HTTP/1.1\\r\\n${fields}\\r\\n\\r\\n${body}')`;

  it.each([
    [
      'prints what looks like JSON',
      `console.log('{"message":"x","level":{"toString":null,"valueOf":null}}')`,
    ],
    ['prints a million lines', `process.stdout.write('y\\n'.repeat(1_000_000))`],
    ['prints a line without end', `process.stdout.write('{"message":"'.padEnd(3_000_000, 'x'))`],
    ['sends no HTTP', `console.log(await raw('\\0\\r\\n\\r\\n'))`],
    [
      'sends more than it says',
      `console.log(${post('Transfer-Encoding: chunked', '4\\r\\ngrüß\\r\\n0\\r\\n\\r\\n')})`,
    ],
    ['sends two lengths', `console.log(${post('Content-Length: 1\\r\\nContent-Length: 2', '12')})`],
  ])('%s', async (_, act) => {
    const began = monotonicNow();
    const { run, logs } = program(`(async () => { ${RAW}${serving(`${act}; await answer(id, event)`)} })()`);
    expect([jsonOf(await run('1')), jsonOf(await run('2'))]).toEqual([1, 2]);
    await until(() => logs.length > 0);
    const seconds = Math.floor((monotonicNow() - began) / 1_000) + 1;
    const said = logs.filter(({ message }) => !/^… \d+ lines left out/.test(message));
    expect(said.length).toBeLessThanOrEqual(10_000 * seconds);
    if (/raw|post/.test(act)) expect(logs[0]?.message).toBe('HTTP/1.1 400 Bad Request');
  });

  it('tells an error with its cause in a header of 1 MiB', async () => {
    const { run } = program(
      `(async () => { ${RAW}${serving(`
      const cause = 'Lambda-Runtime-Function-XRay-Error-Cause: ' + 'x'.repeat(1024 * 1024);
      await raw('POST /2018-06-01/runtime/invocation/' + id + '/error HTTP/1.1\\r\\n' + cause + '\\r\\nContent-Length: 20\\r\\n\\r\\n{"errorType":"Oops"}')`)} })()`,
    );
    expect(await run()).toMatchObject({ outcome: 'handler-error', cause: { name: 'Oops' } });
  });
});

describe('an end', () => {
  it('by a signal answers the call at once, and the next one is served', async () => {
    const { run, states } = program(
      serving(`if (event === 'die') process.kill(process.pid, 'SIGKILL'); else await answer(id, event)`),
    );
    const [died, waiting] = await Promise.all([run('"die"'), run('"waits"')]);
    expect(died).toMatchObject({ outcome: 'worker-crashed', status: 502 });
    expect(jsonOf(waiting)).toBe('waits');
    expect(jsonOf(await run('"next"'))).toBe('next');
    expect(states).toEqual([undefined, 'worker-crashed', undefined]);
  });

  it('takes what it started with it', async () => {
    const { run } = program(
      serving(`
      const { spawn } = await import('node:child_process');
      if (event === 'die') process.exit(1);
      await answer(id, spawn('sleep', ['600']).pid)`),
    );
    const pid = Number(textOf(await run()));
    expect(isRunning(pid)).toBe(true);
    await run('"die"');
    await until(() => !isRunning(pid));
  });

  it('comes to one that does not stop at its deadline, after its caller was answered', async () => {
    const { run } = program(
      serving(`if (event === 'hang') await wait(60_000); await answer(id, process.pid)`),
    );
    const before = jsonOf(await run());
    const [late, waiting] = await Promise.all([run('"hang"', { timeout: 300 }), run()]);
    expect(late).toMatchObject({ outcome: 'deadline-exceeded' });
    expect(jsonOf(waiting)).not.toBe(before);
  });

  it('does not come to one whose caller went away', async () => {
    const { run, instance, logs } = program(
      serving(`if (event) { console.log('has it'); await wait(event); } await answer(id, process.pid)`),
    );
    const before = jsonOf(await run());
    void run('400');
    await until(() => logs.length > 0);
    instance.abort(1, 'the caller went away');
    expect(jsonOf(await run())).toBe(before);
  });
});

/** What comes of an answer in pieces. */
async function piecesOf({ body, rest }: Outcome): Promise<string> {
  let text = Buffer.from(body).toString();
  for await (const piece of rest ?? []) text += Buffer.from(piece).toString();
  return text;
}

describe('an answer in pieces', () => {
  const STREAM = `const http = await import('node:http');
    const stream = (id, type, write) => new Promise((resolve) => {
      const headers = { 'lambda-runtime-function-response-mode': 'streaming', 'content-type': type, trailer: 'Lambda-Runtime-Function-Error-Type' };
      const request = http.request(base + 'invocation/' + id + '/response', { method: 'POST', headers }, (response) => { response.resume(); resolve(response.statusCode) });
      request.on('error', resolve);
      write(request);
    });`;
  const streaming = (write: string) =>
    program(
      `${STREAM}${serving(`const told = await stream(id, 'text/plain', async (request) => { ${write} }); console.log('told ' + told)`)}`,
    );

  it('is passed on as it comes', async () => {
    const { run } = streaming(`request.write('one '); await wait(50); request.end('two')`);
    const outcome = await run();
    expect(outcome).toMatchObject({ outcome: 'ok', status: 200, contentType: 'text/plain' });
    expect(await piecesOf(outcome)).toBe('one two');
    expect(await piecesOf(await run())).toBe('one two');
  });

  it('of 100 MB arrives whole, and holds the program up while nobody takes it', async () => {
    const { run, logs } = streaming(`
      const drained = (i) => new Promise((go) => {
        const held = setTimeout(() => console.log('held up ' + i), 300);
        request.once('drain', () => { clearTimeout(held); go(); });
      });
      for (let i = 0; i < 1_000; i++) if (!request.write('x'.repeat(100_000))) await drained(i);
      request.end()`);
    const { rest } = await run();
    await until(() => logs.length > 0);
    // Of 100,000 bytes each: what the sockets of this machine take, and the window.
    expect(Number(/^held up (\d+)$/.exec(logs[0]?.message ?? '')?.[1])).toBeLessThan(300);
    let size = 0;
    for await (const piece of rest ?? []) size += piece.length;
    expect(size).toBe(100_000_000);
  });

  it('begins with status and headers where its type says so', async () => {
    const { run } = program(
      `${STREAM}${serving(`
      await stream(id, 'application/vnd.awslambda.http-integration-response', async (request) => {
        request.write('{"statusCode":201,"headers":{"content-type":"text/html","x":"y"},"coo'); await wait(20);
        request.write('kies":["a=b"]}\\0\\0\\0'); await wait(20); request.end('\\0\\0\\0\\0\\0<p>') })`)}`,
    );
    const outcome = await run();
    expect(outcome).toMatchObject({
      status: 201,
      contentType: 'text/html',
      meta: { headers: { x: 'y' }, cookies: ['a=b'] },
    });
    expect(await piecesOf(outcome)).toBe('<p>');
  });

  it('is broken off by an error in its trailers', async () => {
    const { run, logs } = streaming(`
      request.write('half'); await wait(20);
      request.addTrailers({ 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' }); request.end()`);
    await expect(piecesOf(await run())).rejects.toMatchObject({ code: 'handler-error' });
    await until(() => logs.some(({ message }) => message === 'told 202'));
  });

  it('is read whole where it says which messages of a queue failed', async () => {
    const { run } = program(
      `${STREAM}${serving(`await stream(id, 'application/json', async (request) => {
        if (event.Records[0].body === 'oops') request.addTrailers({ 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' });
        request.write('{"batchItemFailures":['); await wait(20);
        request.end(event.Records[0].body === 'good' ? ']}' : JSON.stringify({ itemIdentifier: event.Records[0].messageId }) + ']}') })`)}`,
      { provided: { http: [], concurrency: 1 } },
    );
    const headers = { 'mesh-meta': '{"source":"sqs"}' };
    expect(await run('good', { headers })).toMatchObject({ outcome: 'ok' });
    expect(await run('bad', { headers })).toMatchObject({ outcome: 'handler-error' });
    expect(await run('oops', { headers })).toMatchObject({
      outcome: 'handler-error',
      cause: { name: 'Function.Oops' },
    });
  });

  it('is broken off with its connection, and with its program', async () => {
    const { run } = streaming(
      `await new Promise((go) => request.write('half', go)); await wait(20); if (event === 'die') process.exit(1); request.destroy()`,
    );
    await expect(piecesOf(await run())).rejects.toMatchObject({ code: 'handler-error' });
    await expect(piecesOf(await run('"die"'))).rejects.toMatchObject({
      code: expect.stringMatching(/handler-error|worker-crashed/) as unknown,
    });
  });

  it('that hangs past its deadline ends its program, and the next run is served', async () => {
    const { run, instance } = streaming(
      `request.write(String(process.pid)); if (event === 'hang') await wait(60_000); request.end()`,
    );
    const pid = await piecesOf(await run());
    const { rest } = await run('"hang"', { timeout: 1_000 });
    const deadline = monotonicNow() + 1_000;
    expect((await rest?.[Symbol.asyncIterator]().next())?.done).toBe(false);
    await until(() => monotonicNow() > deadline);
    instance.abort(1, 'the deadline passed');
    expect(await piecesOf(await run())).not.toBe(pid);
  });

  it('whose caller goes away is read to its end, and the next run is served', async () => {
    const { run, instance } = streaming(
      `const last = process.pid; for (let i = 0; i < 50; i++) if (!request.write('x'.repeat(100_000))) await new Promise((go) => request.once('drain', go)); request.end(String(last))`,
    );
    const first = run();
    const { rest } = await first;
    const begun = await rest?.[Symbol.asyncIterator]().next();
    expect(begun?.done).toBe(false);
    instance.abort(0, 'the caller went away');
    const text = await piecesOf(await run());
    expect(text.length).toBeGreaterThan(5_000_000);
  });

  it('goes nowhere when nobody takes it, and the next run is served', async () => {
    const { run } = streaming(
      `for (let i = 0; i < 100; i++) if (!request.write('x'.repeat(100_000))) await new Promise((go) => request.once('drain', go)); request.end()`,
    );
    const { rest } = await run();
    await rest?.[Symbol.asyncIterator]().return?.();
    const { rest: next } = await run();
    let size = 0;
    for await (const piece of next ?? []) size += piece.length;
    expect(size).toBe(10_000_000);
  });
});

describe('a program that begins anew within', () => {
  it('is served by the `next` that it asked last', async () => {
    const { run, instance, logs } = program(`
      void get('invocation/next').then(({ status }) => console.log(status));
      setTimeout(async () => { ${serving('await answer(id, event)').trim()} }, 50)`);
    void instance.warm();
    await until(() => logs.some(({ message }) => message === '403'));
    expect(jsonOf(await run('2'))).toBe(2);
  });
});

describe('several at once', () => {
  it('run in a program that polls for as many as its manifest allows', async () => {
    const { run } = program(
      `const one = async () => { for (;;) { const { id, event } = await next(); await wait(1_000); await answer(id, Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY)) } };
      for (let i = 0; i < 4; i++) void one();`,
      { provided: { http: [], event: 'payload', concurrency: 4 } },
    );
    await run();
    const started = monotonicNow();
    const outcomes = await Promise.all([run(), run(), run(), run()]);
    expect(outcomes.map(jsonOf)).toEqual([4, 4, 4, 4]);
    expect(monotonicNow() - started).toBeLessThan(3_500);
  });
});
