import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openWorkConsumers } from '#fabric';
import { type NatsServer, startNats } from '#servers';
import { closeAll, later, until } from './fixtures/later.js';
import { connectAs, executor, served } from './fixtures/mesh.js';
import { executorProcess } from './fixtures/processes.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';
import { POOL, type WorkScene, workScene } from './fixtures/work.js';

/* Servers that end and connections that are cut: what was accepted is done, and nothing twice without need. */

afterEach(closeAll);

const runs: number[] = [];
(globalThis as { outageRuns?: number[] }).outageRuns = runs;
afterEach(() => void runs.splice(0));

const noting = (ms: number) =>
  `export default async ({ body }) => { globalThis.outageRuns.push(body); await new Promise((r) => setTimeout(r, ${ms})); };`;
const acceptMany = (scene: WorkScene, count: number, from = 0) =>
  Promise.all(Array.from({ length: count }, (_, n) => scene.accept('a', from + n)));

/** A server with a folder that outlives it. */
async function lastingScene(): Promise<{
  scene: WorkScene;
  restart(signal: NodeJS.Signals): Promise<NatsServer>;
}> {
  const dataDir = mkdtempSync(join(tmpdir(), 'mesh-nats-'));
  later(() => rmSync(dataDir, { recursive: true, force: true }));
  const scene = await workScene(undefined, { dataDir });
  const { port, pid, exited, users } = scene.nats;
  const passwords = Object.fromEntries(Object.entries(users).map(([user, { password }]) => [user, password]));
  return {
    scene,
    restart: async (signal) => {
      process.kill(pid, signal);
      await exited;
      const server = await startNats({ dataDir, port, passwords });
      later(() => server.stop());
      return server;
    },
  };
}

describe('while no executor runs', () => {
  it('10,000 accepted events wait, and are then all handled once', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0' }, noting(0));
    await acceptMany(scene, 10_000);
    expect(await scene.waiting()).toBe(10_000);
    const running = await executor(scene);
    await scene.quiet(60_000);
    await running.stop();
    expect(runs).toHaveLength(10_000);
    expect(new Set(runs).size).toBe(10_000);
    expect(await scene.dead()).toEqual([]);
    expect(await scene.records()).toHaveLength(10_000);
  }, 90_000);
});

describe('an executor that is there before any consumer', () => {
  it('is ready, and takes work as soon as the registry has made one', async () => {
    const scene = await workScene([]);
    const route = await scene.publish({ path: 'a', version: '1.0.0' }, noting(0));
    await executor(scene);
    await served(scene, route);
    await acceptMany(scene, 10);
    expect(runs).toEqual([]);
    await (await openWorkConsumers(await connectAs(scene.nats, 'registry'))).put(POOL);
    await scene.quiet();
    expect(runs).toHaveLength(10);
  });
});

describe('an executor that is stopped', () => {
  it('finishes what runs and gives back the rest: nothing is lost, nothing is run twice', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0', work: { attempts: 1 } }, noting(30));
    await acceptMany(scene, 600);
    for (let round = 1; round <= 3; round++) {
      const running = await executor(scene, { MESH_WORK_SLOTS: '32' });
      await until(
        () => runs.length,
        (count) => count >= round * 100,
      );
      await running.stop();
    }
    await executor(scene);
    await scene.quiet();
    expect(runs).toHaveLength(600);
    expect(new Set(runs).size).toBe(600);
    expect(await scene.dead()).toEqual([]);
  }, 60_000);

  it('ends within moments, as a process too', async () => {
    const scene = await workScene();
    const route = await scene.publish(
      { path: 'a', version: '1.0.0', work: { attempts: 1 } },
      'export default () => new Promise((r) => setTimeout(r, 50));',
    );
    const process = executorProcess(scene);
    await served(scene, route);
    await acceptMany(scene, 1_000);
    await until(scene.waiting, (count) => count < 900);
    expect(await process.end('SIGTERM')).toBe(0);
    const next = await executor(scene);
    await scene.quiet();
    await next.stop();
    expect(await scene.dead()).toEqual([]);
    expect(new Set((await scene.records()).map(({ id }) => id)).size).toBe(1_000);
  }, 60_000);
});

describe('a connection that is cut', () => {
  it('again and again costs no event, and what runs meanwhile is acknowledged on the next one', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0' }, noting(20));
    // Twice as long as an executor lets the server wait for word of what it has in hand.
    await scene.redeliverAfter(10);
    const proxy = await tcpProxy(scene.nats.port);
    const running = await executor(scene, { MESH_NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    await acceptMany(scene, 2_000);
    for (let cut = 1; cut <= 5; cut++) {
      await until(
        () => runs.length,
        (count) => count >= cut * 200,
      );
      proxy.cut();
    }
    await scene.quiet(60_000);
    expect(new Set(runs).size).toBe(2_000);
    // Twice is only what was on its way to us when the line was cut, or had not begun.
    expect(runs.length).toBe(2_000);
    expect(await scene.dead()).toEqual([]);
    await running.stop();
  }, 90_000);
});

describe('nats-server', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'ended by %s and started again: all is done',
    async (signal) => {
      const { scene, restart } = await lastingScene();
      await scene.publish({ path: 'a', version: '1.0.0' }, noting(10));
      const running = await executor(scene);
      await acceptMany(scene, 1_000);
      await until(
        () => runs.length,
        (count) => count >= 200,
      );
      await restart(signal);
      await until(
        () => scene.accept('a', 5_000).catch(() => undefined),
        (id) => id !== undefined,
      );
      await scene.quiet(60_000);
      expect(new Set(runs).size).toBe(1_001);
      await running.stop();
      expect(await scene.dead()).toEqual([]);
    },
    90_000,
  );
});
