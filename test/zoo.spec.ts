import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers, connect as natsClient } from '@nats-io/transport-node';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, type Mesh, mesh, served } from './fixtures/mesh.js';

/*
 * Handlers that misbehave, each over real HTTP and in both isolations: a defined answer, nothing of the inside in it, and
 * the next call is answered as if nothing had been. `thread` needs `npm run build`.
 */

interface Animal {
  readonly code: string;
  /** Status and, for an error of the mesh, its code. */
  readonly answer: readonly [status: number, code?: string];
  readonly timeoutMs?: number;
  /** What ends a thread would end an inline executor. */
  readonly threadOnly?: true;
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
  exits: { code: run('process.exit(1)'), answer: [502, 'worker-crashed'], threadOnly: true },
  aborts: {
    code: run('setTimeout(() => { throw new Error("secret") }); await new Promise(() => {})'),
    answer: [502, 'worker-crashed'],
    threadOnly: true,
  },
  'exits-at-load': {
    code: 'process.exit(0); export default () => 1',
    answer: [502, 'worker-crashed'],
    threadOnly: true,
  },
};
const NEIGHBOUR = 'export default (e) => ({ echo: e.query.n })';
const INSIDE = /secret|\n\s*at |handler\.mjs|node:|\/tmp\//;

describe.each(['inline', 'thread'])('%s', (isolation) => {
  const animals = Object.entries(ZOO).filter(([, { threadOnly }]) => isolation === 'thread' || !threadOnly);
  let world: Mesh;

  beforeAll(async () => {
    const prepare = async ({ publish }: Catalogue) => {
      await publish({ path: 'neighbour', version: '1.0.0' }, NEIGHBOUR);
      for (const [name, { code, timeoutMs }] of animals)
        await publish(
          { path: `zoo/${name}`, version: '1.0.0', limits: timeoutMs ? { timeoutMs } : {} },
          code,
        );
    };
    world = await mesh(prepare, { MESH_ISOLATION: isolation });
  });
  afterAll(closeAll);

  const get = (path: string) => fetch(`${world.url}/${path}`, { method: 'POST', body: 'x'.repeat(100) });

  it.each(animals)('%s', async (name, { answer: [status, code] }) => {
    for (let i = 0; i < 2; i++) {
      const response = await get(`zoo/${name}`);
      const text = await response.text();
      expect([response.status, code && JSON.parse(text).code]).toEqual([status, code]);
      if (code) expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(text).not.toMatch(INSIDE);
      expect(response.headers.get('mesh-id')).toBeTruthy();
    }
  });

  it('all at once, while a neighbour is called: it has no failed request', async () => {
    let done = false;
    const zoo = Promise.all(
      animals.map(([name]) => get(`zoo/${name}`).then((response) => response.text())),
    ).then(() => {
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
