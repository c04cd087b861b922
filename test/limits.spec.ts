import { afterEach, describe, expect, it } from '@jest/globals';
import { callSubject, type Limits, ownConsumer, type Route } from '#contracts';
import { asPath, plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, catalogue, executor, type Mesh, mesh, served } from './fixtures/mesh.js';
import { workScene } from './fixtures/work.js';
import { streams } from './http-async.fixture.js';
import { freePort } from './ingress.fixture.js';

/*
 * What a handler may have: said by its manifest, bounded by the operator for all, changed by him for one while it runs.
 * Every refusal is told at once to who waits; work waits. Needs `npm run build`.
 */

afterEach(closeAll);

/** What inline handlers share with the test. */
interface World {
  gate: PromiseWithResolvers<void>;
  running: number;
  began: number[];
}
const fresh = (): World => ({ gate: Promise.withResolvers(), running: 0, began: [] });
const world = fresh();
(globalThis as { limits?: World }).limits = world;
afterEach(() => {
  world.gate.resolve();
  Object.assign(world, fresh());
});

const NOTING = 'export default () => { globalThis.limits.began.push(performance.now()); return 1; };';
const WAITING = `export default async () => {
  const world = globalThis.limits; world.running++; await world.gate.promise; world.running--; return 1; };`;

/** What the registry writes when the operator sets limits of a handler. */
async function operatorSets(of: Catalogue, route: Route, limits: Limits): Promise<Route> {
  const versions = route.versions.map((one) => ({ ...one, limits: { ...one.limits, ...limits } }));
  const changed = { ...route, revision: route.revision + 1, limits, versions };
  await of.store.put(changed);
  await served(of, changed);
  return changed;
}

const scene = (
  publish: (of: Catalogue) => Promise<unknown>,
  environment: Record<string, string> = {},
): Promise<Mesh> =>
  mesh(async (of) => {
    await streams(of);
    await publish(of);
  }, environment);
const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as { code: string }).code;

describe('a rate', () => {
  it('refuses calls beyond it, and says truly when there is room', async () => {
    const limits = { ratePerSecond: 0.5, burst: 3 };
    const of = await scene(({ publish }) => publish({ path: 'rated', version: '1.0.0', limits }, NOTING));
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${of.url}/rated`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(world.began).toHaveLength(8 - refused.length);
    expect(refused.length).toBeGreaterThan(0);
    const [first] = refused as [Response];
    expect(await codeOf(first)).toBe('rate-limited');
    const seconds = Number(first.headers.get('retry-after'));
    expect([1, 2]).toContain(seconds);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    expect((await fetch(`${of.url}/rated`)).status).toBe(200);
  });

  it('is waited for by work, which loses no attempt by it, and keeps no other path waiting', async () => {
    const of = await workScene();
    const limits = { ratePerSecond: 3, burst: 1 };
    await of.publish({ path: 'rated', version: '1.0.0', limits, work: { attempts: 1 } }, NOTING);
    await of.publish({ path: 'free', version: '1.0.0' }, 'export default () => 1');
    await executor(of, { MESH_WORK_SLOTS: '8' });
    await Promise.all(Array.from({ length: 12 }, (_, n) => of.accept('rated', n)));
    for (let n = 0; n < 20; n++) await of.accept('free', n);
    await of.quiet(30_000);
    expect(world.began).toHaveLength(12);
    // Before its time by the rate, counted from whichever of the first was least late: the very first one loads the module.
    const early = world.began.map((at, n) => (n / 3) * 1_000 - at);
    expect((early.at(-1) as number) - Math.max(...early.slice(0, 6))).toBeLessThanOrEqual(50);
    const records = await until(
      () => of.records(),
      (all) => all.length === 32,
    );
    expect(records.every(({ attempt, outcome }) => attempt === 1 && outcome === 'ok')).toBe(true);
    const order = records.map(({ path }) => path);
    expect(order.lastIndexOf('free')).toBeLessThan(order.lastIndexOf('rated'));
  }, 60_000);
});

describe('a rate of a path that keeps its order', () => {
  it('holds it up and changes nothing of the order; an executor that stops gives back what waits', async () => {
    const name = ownConsumer(asPath('in/order'));
    const of = await workScene([{ name, filters: ['mesh.work.in.order'], ordered: true }]);
    const limits = { ratePerSecond: 4, burst: 1 };
    const code = 'export default ({ body }) => { globalThis.limits.began.push(body); };';
    await of.publish({ path: 'in/order', version: '1.0.0', limits, work: { ordered: true } }, code);
    const first = await executor(of);
    for (let n = 0; n < 8; n++) await of.accept('in/order', n);
    await until(
      () => world.began.length,
      (count) => count >= 2,
    );
    await first.stop();
    const second = performance.now();
    const left = 8 - world.began.length;
    await executor(of);
    await of.quiet();
    expect(world.began).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(performance.now() - second).toBeGreaterThanOrEqual((left - 1) * 250);
  }, 60_000);
});

describe('a payload limit', () => {
  it('holds for every way to the handler', async () => {
    const limits = { payloadBytes: 100 };
    const code = 'export default (event) => event.raw.length';
    const of = await scene(({ publish }) => publish({ path: 'small', version: '1.0.0', limits }, code));
    const post = (bytes: number, headers = {}) =>
      fetch(`${of.url}/small`, { method: 'POST', body: 'x'.repeat(bytes), headers });
    expect((await post(100)).status).toBe(200);
    for (const answer of [await post(101), await post(101, { prefer: 'respond-async' })])
      expect([answer.status, await codeOf(answer)]).toEqual([413, 'payload-too-large']);
    const client = await plainClient(of.nats);
    const reply = await client.request(callSubject(asPath('small')), 'x'.repeat(101), { timeout: 5_000 });
    expect(reply.headers?.get('mesh-status')).toBe('413');
  });
});

describe('a deadline', () => {
  it('is no later than the operator allows any handler, or this one', async () => {
    let route: Route | undefined;
    const of = await scene(
      async ({ publish }) => {
        const limits = { timeoutMs: 60_000 };
        route = await publish({ path: 'slow', version: '1.0.0', limits }, WAITING);
      },
      { MESH_HANDLER_TIMEOUT: '1000' },
    );
    const late = await fetch(`${of.url}/slow`);
    expect([late.status, await codeOf(late)]).toEqual([504, 'deadline-exceeded']);
    await operatorSets(of, route as Route, { timeoutMs: 60_000 });
    const patient = fetch(`${of.url}/slow`);
    await until(
      () => world.running,
      (running) => running === 2,
    );
    setTimeout(() => world.gate.resolve(), 1_500);
    expect((await patient).status).toBe(200);
  });
});

describe("the operator's limits of one handler", () => {
  it('hold at once: who waits begins, what runs goes on, who comes is refused', async () => {
    let route: Route | undefined;
    const of = await scene(async ({ publish }) => {
      const limits = { concurrency: 1, queue: 5 };
      route = await publish({ path: 'gated', version: '1.0.0', limits }, WAITING);
    });
    const call = () => fetch(`${of.url}/gated`);
    const first = call();
    await until(
      () => world.running,
      (running) => running === 1,
    );
    const others = [call(), call(), call()];
    const wider = await operatorSets(of, route as Route, { concurrency: 3, queue: 5 });
    await until(
      () => world.running,
      (running) => running === 3,
    );
    await operatorSets(of, wider, { concurrency: 1, queue: 0 });
    const refused = await call();
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'too-busy']);
    expect(world.running).toBe(3);
    world.gate.resolve();
    expect((await Promise.all([first, ...others])).every(({ status }) => status === 200)).toBe(true);
  });
});

describe.each(['thread', 'process'])('workers in isolation %s', (isolation) => {
  /** Blocks, so that what runs beside it runs in another worker. */
  const BLOCKING = `import { threadId } from 'node:worker_threads';
    export default () => { const end = Date.now() + 400; while (Date.now() < end); return process.pid + ':' + threadId; };`;
  const idsOf = async (url: string, calls: number) =>
    new Set(await Promise.all(Array.from({ length: calls }, async () => (await fetch(url)).text())));

  it('are as many as the manifest asks for and the operator allows, when they are needed', async () => {
    let route: Route | undefined;
    const limits = { workers: 9, timeoutMs: 60_000 };
    const of = await scene(
      async ({ publish }) => {
        route = await publish({ path: 'blocking', version: '1.0.0', limits }, BLOCKING);
      },
      { MESH_ISOLATION: isolation, MESH_HANDLER_WORKERS: '2' },
    );
    const url = `${of.url}/blocking`;
    expect((await idsOf(url, 1)).size).toBe(1);
    const together = (calls: number) => () => idsOf(url, calls);
    await until(together(4), ({ size }) => size === 2, 20_000);
    expect((await idsOf(url, 6)).size).toBeLessThanOrEqual(2);
    await operatorSets(of, route as Route, { workers: 3 });
    await until(together(6), ({ size }) => size === 3, 20_000);
  }, 80_000);

  it('are kept ready before anyone calls, where the manifest asks for it, and after nobody did', async () => {
    const port = String(await freePort());
    const of = await scene(
      async ({ publish }) => {
        await publish({ path: 'warm', version: '1.0.0', limits: { workers: 2, warm: 1 } }, BLOCKING);
        await publish({ path: 'cold', version: '1.0.0' }, BLOCKING);
      },
      { MESH_ISOLATION: isolation, MESH_WORKER_IDLE: '1', MESH_HEALTH_PORT: port },
    );
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const workers = async (count: number) => {
      const text = `mesh_executor_workers{state="ready",service="executor"} ${count}\n`;
      return until(metrics, (shown) => shown.includes(text), 20_000);
    };
    expect(await workers(1)).not.toContain('worker_starts_total{path="cold"');
    await idsOf(`${of.url}/cold`, 1);
    const both = await until(
      () => idsOf(`${of.url}/warm`, 4),
      ({ size }) => size === 2,
      20_000,
    );
    const rested = await workers(1);
    expect(rested).toContain(
      'mesh_executor_worker_ends_total{path="cold",why="released",service="executor"} 1',
    );
    const [kept] = await idsOf(`${of.url}/warm`, 1);
    expect(both.has(kept as string)).toBe(true);
  }, 80_000);
});

describe('a memory limit by the kernel', () => {
  it('that this machine cannot hold is refused at start, not forgotten', async () => {
    const of = await catalogue();
    const start = executor(of, { MESH_ISOLATION: 'process', MESH_WORKER_CGROUP: '/proc' });
    await expect(start).rejects.toThrow(/MESH_WORKER_CGROUP: \/proc is no folder of cgroup v2\. Remedy: /);
  });
});

describe('what was refused, and what waits', () => {
  it('is shown, of the paths where there is any', async () => {
    const port = String(await freePort());
    const limits = { concurrency: 1, queue: 2, payloadBytes: 10 };
    const of = await scene(({ publish }) => publish({ path: 'gated', version: '1.0.0', limits }, WAITING), {
      MESH_HEALTH_PORT: port,
    });
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const calls = Array.from({ length: 5 }, () => fetch(`${of.url}/gated`));
    const labels = 'path="gated",service="executor"';
    const refused = 'mesh_executor_refused_total{path="gated",limit="concurrency",service="executor"} 2';
    await until(
      metrics,
      (text) => text.includes(`mesh_executor_waiting{${labels}} 2`) && text.includes(refused),
    );
    world.gate.resolve();
    await Promise.all(calls);
    expect(await metrics()).not.toContain(`mesh_executor_waiting{${labels}}`);
  });
});

describe('a new version', () => {
  const loading = (number: string) =>
    `await globalThis.limits.gate.promise; export default () => '${number}';`;

  it('gets no calls before it is loaded; the old one answers them, and who names it waits', async () => {
    const of = await scene(({ publish }) =>
      publish({ path: 'changing', version: '1.0.0' }, "export default () => '1'"),
    );
    const textOf = async (path = '/changing') => (await fetch(of.url + path)).text();
    expect(await textOf()).toBe('1');
    const route = await of.publish({ path: 'changing', version: '2.0.0' }, loading('2'));
    const named = until(
      () => textOf('/changing@2.0.0'),
      (text) => !text.includes('no-version'),
    );
    for (let n = 0; n < 20; n++) expect(await textOf()).toBe('1');
    world.gate.resolve();
    await served(of, route);
    expect([await textOf(), await named]).toEqual(['2', '2']);
  });

  it('that does not load gets its calls all the same: the operator is told, nothing is hidden', async () => {
    const of = await scene(({ publish }) =>
      publish({ path: 'changing', version: '1.0.0' }, "export default () => '1'"),
    );
    await fetch(`${of.url}/changing`);
    await served(of, await of.publish({ path: 'changing', version: '2.0.0' }, 'throw new Error("no");'));
    const answer = await fetch(`${of.url}/changing`);
    expect([answer.status, await codeOf(answer)]).toEqual([502, 'load-failed']);
  });
});
