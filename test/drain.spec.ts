import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Route } from '#contracts';
import { httpLoad } from './fixtures/http-load.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, catalogue, served } from './fixtures/mesh.js';
import { executorProcess, ingressProcess } from './fixtures/processes.js';
import type { ServiceProcess } from './fixtures/service-process.js';

/* SIGTERM under load: whatever was accepted is answered. Services are processes, as deployed; needs `npm run build`. */

const ROUNDS = [1, 2, 3, 4, 5];
const CLIENTS = 64;

let world: Catalogue;
let count: Route;
beforeAll(async () => {
  world = await catalogue();
  const wait = 'await new Promise((r) => setTimeout(r, Number(e.query.n) % 23));';
  count = await world.publish(
    { path: 'count', version: '1.0.0' },
    `export default async (e) => { ${wait} return e.query.n }`,
  );
  await world.publish(
    { path: 'slow', version: '1.0.0' },
    'export default () => new Promise((r) => setTimeout(r, 3_000, "late"))',
  );
  await world.publish({ path: 'large', version: '1.0.0' }, 'export default () => new Uint8Array(8_000_000)');
  await world.publish(
    { path: 'never', version: '1.0.0', limits: { timeoutMs: 500 } },
    'export default () => new Promise(() => {})',
  );
});
afterAll(closeAll);

async function executor(isolation = 'thread'): Promise<ServiceProcess> {
  const service = executorProcess(world, { MESH_ISOLATION: isolation });
  await served(world, count);
  return service;
}

/** SIGTERM, and how it ended: its exit code, and whether that took less than `ms`. */
async function terminate(service: ServiceProcess, ms: number): Promise<{ code: unknown; inTime: boolean }> {
  const started = performance.now();
  const code = await service.end('SIGTERM');
  return { code, inTime: performance.now() - started < ms };
}
const ORDERLY = { code: 0, inTime: true };

describe('SIGTERM to the HTTP ingress', () => {
  let behind: ServiceProcess;
  beforeAll(async () => {
    behind = await executor('inline');
  });
  afterAll(async () => {
    await terminate(behind, 5_000);
  });

  it.each(ROUNDS)('under load loses no answer, round %d', async () => {
    const ingress = await ingressProcess(world);
    const load = httpLoad(`${ingress.url}/count`, CLIENTS);
    await load.reached(1_500);
    expect(await terminate(ingress.service, 5_000)).toEqual(ORDERLY);
    await load.ended;
    expect(load.lost).toEqual([]);
    expect([...load.answers.keys()]).toEqual([200]);
    expect(load.answers.get(200)).toBeGreaterThanOrEqual(1_500);
  });

  it('waits for a handler that takes its time, and for a reader that does', async () => {
    const ingress = await ingressProcess(world);
    const slow = fetch(`${ingress.url}/slow`);
    const { hostname, port } = new URL(ingress.url);
    const reader = connect(Number(port), hostname);
    reader.pause();
    reader.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    const metrics = async () => (await fetch(`${ingress.url}/metrics`)).text();
    await until(metrics, (text) => /mesh_http_in_flight\S* 2\b/.test(text));
    const terminated = terminate(ingress.service, 10_000);
    expect(await (await slow).text()).toBe('late');
    let received = 0;
    reader.on('data', (chunk) => {
      received += chunk.length;
    });
    reader.resume();
    expect(await terminated).toEqual(ORDERLY);
    expect(received).toBeGreaterThan(8_000_000);
  });

  it('does not wait for connections that bring no request', async () => {
    const ingress = await ingressProcess(world);
    const { hostname, port } = new URL(ingress.url);
    const sockets = ['', 'GET /count HTTP/1.1\r\nHo'].map((bytes) => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.write(bytes);
      return socket;
    });
    await fetch(`${ingress.url}/count?n=1`);
    expect(await terminate(ingress.service, 5_000)).toEqual(ORDERLY);
    for (const socket of sockets) socket.destroy();
  });
});

describe.each([
  ['thread', ROUNDS],
  ['inline', ROUNDS.slice(0, 2)],
] as const)('SIGTERM to an executor, %s', (isolation, rounds) => {
  it.each(rounds)('under load loses no answer, round %d', async () => {
    const ingress = await ingressProcess(world);
    const running = await executor(isolation);
    const load = httpLoad(`${ingress.url}/count`, CLIENTS);
    await load.reached(1_000);
    expect(await terminate(running, 5_000)).toEqual(ORDERLY);
    const before = load.answers.get(200) ?? 0;
    await load.reached(1_000 + before);
    await load.stop();
    // Nobody runs the handler any more: that is said at once, and never with a time-out.
    expect(load.lost).toEqual([]);
    expect([...load.answers.keys()].sort()).toEqual([200, 503]);
    await terminate(ingress.service, 5_000);
  });
});

describe('SIGTERM to one of two executors', () => {
  it('is not noticed by any caller', async () => {
    const ingress = await ingressProcess(world);
    const first = await executor('inline');
    const load = httpLoad(`${ingress.url}/count`, CLIENTS);
    await load.reached(500);
    const second = executorProcess(world, { MESH_ISOLATION: 'inline' });
    await served(world, count, 2);
    await load.reached(1_500);
    expect(await terminate(first, 5_000)).toEqual(ORDERLY);
    await load.reached(4_000);
    await load.stop();
    expect(load.lost).toEqual([]);
    expect([...load.answers.keys()]).toEqual([200]);
    await terminate(second, 5_000);
    await terminate(ingress.service, 5_000);
  });

  it('nor does a handler that never settles keep it from ending', async () => {
    const ingress = await ingressProcess(world);
    for (const isolation of ['inline', 'thread']) {
      const running = await executor(isolation);
      const answer = fetch(`${ingress.url}/never`);
      expect((await answer).status).toBe(504);
      expect(await terminate(running, 5_000)).toEqual(ORDERLY);
    }
    await terminate(ingress.service, 5_000);
  });
});
