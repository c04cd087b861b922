import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers, connect as natsClient } from '@nats-io/transport-node';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, type Mesh, mesh, served } from './fixtures/mesh.js';

/*
 * Handlers that misbehave, each over real HTTP and in every isolation that stands it: a defined answer, nothing of the
 * inside in it, and the next call is answered as if nothing had been. Needs `npm run build`.
 *
 * Which isolation ends what is said in docs/isolation.md, and here: `workers` needs a worker to be ended, for
 * `processOnly` it must be a process.
 */

type Answer = readonly [status: number, code?: string];
type Isolation = 'inline' | 'thread' | 'process';

interface Animal {
  readonly code: string;
  /** Status and, for an error of the mesh, its code. */
  readonly answer: Answer;
  readonly timeoutMs?: number;
  /** What ends a worker would end an inline executor, or block it. */
  readonly workers?: true;
  /** Nothing but the end of a process ends it, or it would end the process that a thread shares with others. */
  readonly processOnly?: true;
  /** Where a process answers otherwise. */
  readonly inProcess?: Answer;
  /** MB that it may have; {@link MEMORY_MB} unless stated. */
  readonly memoryMb?: number;
}
const run = (body: string): string => `export default async (event, context) => { ${body} }`;

const ZOO: Readonly<Record<string, Animal>> = {
  throws: { code: run('throw new Error("secret")'), answer: [500, 'handler-error'] },
  rejects: { code: run('await Promise.reject(new Error("secret"))'), answer: [500, 'handler-error'] },
  'throws-text': { code: run('throw "secret"'), answer: [500, 'handler-error'] },
  'throws-nothing': { code: run('throw undefined'), answer: [500, 'handler-error'] },
  'throws-null': { code: run('throw null'), answer: [500, 'handler-error'] },
  'throws-after-ok': {
    code: run('context("OK", 1); throw new Error("secret")'),
    answer: [500, 'handler-error'],
  },
  'throws-a-trap': {
    code: run('throw new Proxy({}, { get() { throw new Error("secret") } })'),
    answer: [500, 'handler-error'],
  },
  cycle: { code: run('const a = {}; a.a = a; return a'), answer: [500, 'bad-answer'] },
  bigint: { code: run('return { n: 1n }'), answer: [500, 'bad-answer'] },
  symbol: { code: run('return Symbol("secret")'), answer: [500, 'bad-answer'] },
  function: { code: run('return () => 1'), answer: [500, 'bad-answer'] },
  error: { code: run('return new Error("secret")'), answer: [500, 'bad-answer'] },
  getter: { code: run('return { get a() { throw new Error("secret") } }'), answer: [500, 'bad-answer'] },
  'deep-answer': {
    code: run('let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a'),
    answer: [500, 'bad-answer'],
  },
  'bad-header': {
    code: run('return { statusCode: 200, headers: { a: "b\\r\\nc: d" } }'),
    answer: [500, 'bad-answer'],
  },
  'bad-status': { code: run('return { statusCode: 1e9 }'), answer: [500, 'bad-answer'] },
  'large-header': {
    code: run('return { statusCode: 200, headers: { a: "é".repeat(5000) } }'),
    answer: [500, 'answer-too-large'],
  },
  'large-type': {
    code: run('context("OK", "x", { headers: { "content-type": "a/" + "b".repeat(20000) } })'),
    answer: [500, 'answer-too-large'],
  },
  'large-answer': { code: run('return new Uint8Array(9e6)'), answer: [500, 'answer-too-large'] },
  nothing: { code: run(''), answer: [204] },
  'logs-anything': {
    code: run(
      'context.log("x", { n: 1n, f() {} }); const a = {}; a.a = a; context.log.error("y", a); return 1',
    ),
    answer: [200],
  },
  'logs-much': { code: run('context.log("x".repeat(9e6), { y: "y".repeat(9e6) }); return 1'), answer: [200] },
  pollutes: { code: run('event.query.__proto__.x = 1; return 1'), answer: [500, 'handler-error'] },
  'calls-itself': {
    code: run('return context.call("zoo/calls-itself")'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 300,
  },
  'calls-nobody': { code: run('return context.call("nobody/here")'), answer: [500, 'handler-error'] },
  'calls-nonsense': {
    code: run('return context.call(Symbol("x"), { a: 1n })'),
    answer: [500, 'handler-error'],
  },
  'never-settles': {
    code: run('return new Promise(() => {})'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
  },
  late: {
    code: run('await new Promise((r) => setTimeout(r, 400)); return "late"'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
  },
  'syntax-error': { code: 'export default (', answer: [502, 'load-failed'] },
  'throws-at-load': { code: 'throw new Error("secret"); export default 1', answer: [502, 'load-failed'] },
  'imports-nothing': { code: 'import "not-there"; export default () => 1', answer: [502, 'load-failed'] },
  'no-handler': { code: 'export const a = 1', answer: [502, 'no-handler'] },
  'other-path': {
    code: 'export default { [Symbol.for("lambda-mesh.handler")]: 1, path: "a/b", options: {}, run: () => 1 }',
    answer: [502, 'path-mismatch'],
  },
  'rejects-unhandled': {
    code: run('void Promise.reject(new Error("secret")); await new Promise(() => {})'),
    answer: [502, 'worker-crashed'],
    workers: true,
  },
  exits: { code: run('process.exit(1)'), answer: [502, 'worker-crashed'], workers: true },
  aborts: {
    code: run('setTimeout(() => { throw new Error("secret") }); await new Promise(() => {})'),
    answer: [502, 'worker-crashed'],
    workers: true,
  },
  'exits-at-load': {
    code: 'process.exit(0); export default () => 1',
    answer: [502, 'worker-crashed'],
    workers: true,
  },
  'hangs-at-load': {
    code: 'await new Promise(() => {}); export default () => 1',
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
  },
  'loops-at-load': {
    code: 'for (;;); export default () => 1',
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
    workers: true,
  },
  loops: { code: run('for (;;);'), answer: [504, 'deadline-exceeded'], timeoutMs: 200, workers: true },
  'loops-asynchronously': {
    code: run('for (;;) await new Promise(setImmediate)'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
    workers: true,
  },
  'loops-in-microtasks': {
    code: run('for (;;) await null'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
    workers: true,
  },
  sleeps: {
    code: run('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
    workers: true,
  },
  leaks: {
    code: run('const kept = []; for (;;) kept.push({ a: { b: 1 } })'),
    answer: [502, 'worker-crashed'],
    timeoutMs: 20_000,
    workers: true,
  },
  // One large piece more when little is left: V8 ends the process in which that happens.
  'leaks-at-once': {
    code: run('const kept = new Map(); for (let i = 0; ; i++) kept.set(i, { i })'),
    answer: [502, 'worker-crashed'],
    timeoutMs: 20_000,
    processOnly: true,
  },
  'leaks-buffers': {
    code: run(
      'const kept = []; for (;;) { kept.push(Buffer.alloc(4e6, 1)); await new Promise(setImmediate) }',
    ),
    answer: [502, 'worker-crashed'],
    timeoutMs: 20_000,
    workers: true,
  },
  'kills-itself': {
    code: run('process.kill(process.pid, "SIGKILL"); await new Promise(() => {})'),
    answer: [500, 'handler-error'],
    inProcess: [502, 'worker-crashed'],
    workers: true,
  },
  'kills-its-executor': {
    code: run('process.kill(process.ppid, "SIGKILL")'),
    answer: [500, 'handler-error'],
    workers: true,
  },
  'aborts-natively': {
    code: run('process.abort()'),
    answer: [500, 'handler-error'],
    inProcess: [502, 'worker-crashed'],
    workers: true,
  },
  'crashes-natively': {
    code: run('process.kill(process.pid, "SIGSEGV"); await new Promise(() => {})'),
    answer: [502, 'worker-crashed'],
    processOnly: true,
  },
  // One call into native code that takes minutes: a thread cannot be ended before it returns.
  'blocks-natively': {
    code: 'import { pbkdf2Sync } from "node:crypto"; export default () => pbkdf2Sync("a", "b", 2 ** 31 - 1, 64, "sha512")',
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 200,
    processOnly: true,
  },
  'leaks-outside-the-heap': {
    code: run(
      'const kept = []; for (;;) { const { buffer } = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(buffer).fill(1); kept.push(buffer) }',
    ),
    answer: [502, 'worker-crashed'],
    timeoutMs: 20_000,
    processOnly: true,
  },
  'runs-a-command': {
    code: 'import { execSync } from "node:child_process"; export default () => execSync("sleep 600")',
    answer: [500, 'handler-error'],
    timeoutMs: 10_000,
    processOnly: true,
  },
  'answers-much': {
    code: run('return Buffer.alloc(1e8)'),
    answer: [500, 'answer-too-large'],
    // The one before may not be collected yet.
    memoryMb: 512,
  },
  'pollutes-everything': {
    code: run(
      'for (const of of [Object, Array, Promise, Function]) { Object.prototype.toString = 1; of.prototype.then = of.prototype.toJSON = () => { throw new Error("secret") }; of.prototype.code = "ok" } return { a: 1 }',
    ),
    answer: [502, 'worker-crashed'],
    workers: true,
  },
  listens: {
    code: 'import { createServer } from "node:net"; export default () => new Promise((done) => createServer().listen(0, "127.0.0.1", () => done(1)))',
    answer: [200],
    workers: true,
  },
  'leaves-timers': {
    code: run('for (let i = 0; i < 1e4; i++) setInterval(() => {}, 1); return 1'),
    answer: [200],
    workers: true,
  },
  'talks-nonsense': {
    code: 'import { parentPort } from "node:worker_threads"; import { writeSync } from "node:fs"; export default () => { if (parentPort) parentPort.postMessage(null); else writeSync(3, Buffer.alloc(64, 255)); return new Promise(() => {}) }',
    answer: [502, 'worker-crashed'],
    workers: true,
  },
  'holds-up-its-end': {
    code: run('process.on("exit", () => { for (;;); }); process.exit()'),
    answer: [504, 'deadline-exceeded'],
    timeoutMs: 300,
    workers: true,
  },
};
const MEMORY_MB = 128;
const NEIGHBOUR = 'export default (e) => ({ echo: e.query.n })';
const INSIDE = /secret|\n\s*at |handler\.mjs|node:|\/tmp\//;

const stands = (isolation: Isolation, { workers, processOnly }: Animal): boolean =>
  isolation === 'process' || (!processOnly && (isolation === 'thread' || !workers));

/** So many at a time: processes start slowly, all of them together more so. */
async function inWaves<T>(all: readonly T[], size: number, run: (one: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < all.length; from += size)
    await Promise.all(all.slice(from, from + size).map(run));
}

describe.each<Isolation>(['inline', 'thread', 'process'])('%s', (isolation) => {
  const animals = Object.entries(ZOO).filter(([, animal]) => stands(isolation, animal));
  let world: Mesh;

  beforeAll(async () => {
    const prepare = async ({ publish }: Catalogue) => {
      await publish({ path: 'neighbour', version: '1.0.0' }, NEIGHBOUR);
      for (const [name, { code, timeoutMs, memoryMb = MEMORY_MB }] of animals)
        await publish({ path: `zoo/${name}`, version: '1.0.0', limits: { timeoutMs, memoryMb } }, code);
    };
    world = await mesh(prepare, {
      MESH_ISOLATION: isolation,
      MESH_WORKER_MEMORY: '512',
      MESH_MAX_WORKERS: '100',
    });
  });
  afterAll(closeAll);

  const get = (path: string) => fetch(`${world.url}/${path}`, { method: 'POST', body: 'x'.repeat(100) });

  it.each(animals)('%s', async (name, { answer, inProcess = answer }) => {
    const [status, code] = isolation === 'process' ? inProcess : answer;
    for (let i = 0; i < 2; i++) {
      const response = await get(`zoo/${name}`);
      const text = await response.text();
      expect([response.status, code && JSON.parse(text).code]).toEqual([status, code]);
      if (code) expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(text).not.toMatch(INSIDE);
      expect(response.headers.get('mesh-id')).toBeTruthy();
    }
  });

  it('many at once, while a neighbour is called: it has no failed request', async () => {
    let done = false;
    const zoo = inWaves(animals, isolation === 'process' ? 8 : animals.length, async ([name]) =>
      (await get(`zoo/${name}`)).text(),
    ).finally(() => {
      done = true;
    });
    let calls = 0;
    while (!done || calls < 20) {
      const response = await fetch(`${world.url}/neighbour?n=${calls}`);
      expect([response.status, await response.json()]).toEqual([200, { echo: String(calls++) }]);
    }
    await zoo;
  });

  it('counts what happened, for who asks on NATS', async () => {
    const client = await natsClient({ servers: world.nats.url });
    const stats = (await client.request('$SRV.STATS.mesh-executor')).json() as {
      endpoints: {
        name: string;
        num_requests: number;
        num_errors: number;
        last_error: string;
        processing_time: number;
      }[];
    };
    await client.close();
    const of = (name: string) => stats.endpoints.find((endpoint) => endpoint.name === name);
    expect(of('zoo_throws')).toMatchObject({ num_requests: 3, num_errors: 3, last_error: 'handler-error' });
    expect(of('zoo_nothing')).toMatchObject({ num_requests: 3, num_errors: 0, last_error: '' });
    expect(of('neighbour')?.num_requests).toBeGreaterThanOrEqual(20);
    expect(of('neighbour')?.processing_time).toBeGreaterThan(0);
  });

  it('answers a plain NATS client: a body with text or a number, and no header', async () => {
    const client = await natsClient({ servers: world.nats.url });
    for (const body of ['{"n":"42"}', '{"n":42}']) {
      const reply = await client.request('mesh.call.neighbour', body);
      expect(reply.json()).toEqual({ echo: '42' });
      expect(reply.headers?.get('mesh-status')).toBe('200');
      expect(reply.headers?.hasError).toBe(false);
    }
    const no = await client.request('mesh.call.zoo.throws');
    expect(no.headers?.get('Nats-Service-Error-Code')).toBe('500');
    expect(no.headers?.get('Nats-Service-Error')).toMatch(/^handler-error: /);
    const broken = headers();
    broken.set('mesh-meta', '{');
    const bad = await client.request('mesh.call.neighbour', '', { headers: broken, timeout: 5_000 });
    expect(bad.json()).toMatchObject({ code: 'bad-event', status: 400 });
    await client.close();
  });

  it('swaps a version under load without one failed or mixed answer', async () => {
    const version = (n: number) =>
      `export default async (e) => { await new Promise((r) => setTimeout(r, e.query.n % 5)); return "v${n}" }`;
    await served(world, await world.publish({ path: 'swap', version: '1.0.0' }, version(1)));
    await until(
      async () => (await fetch(`${world.url}/swap?n=1`)).status,
      (status) => status === 200,
    );
    let calls = 0;
    let current = 1;
    let stop = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const oldest = current;
        const response = await fetch(`${world.url}/swap?n=${calls++}`);
        const [body, ran] = [await response.text(), response.headers.get('mesh-version')];
        expect(response.status).toBe(200);
        expect(body).toBe(`v${ran?.split('.')[0]}`);
        expect(Number(body.slice(1))).toBeGreaterThanOrEqual(oldest);
      }
    });
    for (let n = 2; n <= 6; n++) {
      await served(world, await world.publish({ path: 'swap', version: `${n}.0.0` }, version(n)));
      current = n;
      const before = calls;
      await until(
        () => calls,
        (now) => now > before + 30,
      );
    }
    stop = true;
    await Promise.all(clients);
    expect(await (await fetch(`${world.url}/swap?n=1`)).text()).toBe('v6');
  });
});
