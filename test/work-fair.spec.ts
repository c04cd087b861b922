import { afterEach, describe, expect, it } from '@jest/globals';
import { ownConsumer } from '#contracts';
import { asPath } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { executor } from './fixtures/mesh.js';
import { POOL, workScene } from './fixtures/work.js';

/* Paths beside each other: what is slow, fails, or keeps an order holds up nothing else. */

afterEach(closeAll);

interface World {
  /** Names in the order in which they were run. */
  runs: string[];
  /** Slow handlers wait for it. */
  gate: Promise<void>;
  running: number;
  most: number;
}
const fresh = (): World => ({ runs: [], gate: Promise.resolve(), running: 0, most: 0 });
const world = fresh();
(globalThis as { fair?: World }).fair = world;
afterEach(() => void Object.assign(world, fresh()));

const noting = (code = '') =>
  `export default async ({ path, body }, { attempt }) => { const w = globalThis.fair; w.runs.push(path + ':' + body); ${code} };`;
const SLOW = noting(`w.running++; w.most = Math.max(w.most, w.running); await w.gate; w.running--;`);
const MANY = 5_000;

describe('5,000 events in back-off', () => {
  it('hold up neither fresh events of their path nor other paths', async () => {
    const scene = await workScene();
    await scene.publish(
      { path: 'bad', version: '1.0.0', work: { attempts: 2, backoffMs: 300_000 } },
      noting(`if (body !== 'good') throw Object.assign(new Error('no'), { retryAfter: 600 })`),
    );
    await scene.publish({ path: 'other', version: '1.0.0' }, noting());
    await executor(scene, { MESH_WORK_SLOTS: '16' });
    await Promise.all(Array.from({ length: MANY }, () => scene.accept('bad', 'bad')));
    await until(
      () => world.runs.length,
      (count) => count === MANY,
      30_000,
    );
    for (let n = 0; n < 20; n++) {
      await scene.accept('bad', 'good');
      await scene.accept('other', n);
    }
    await until(
      () => world.runs.filter((run) => run !== 'bad:bad').length,
      (count) => count === 40,
    );
    // None of those that failed was tried again meanwhile, and none is gone.
    expect(world.runs).toHaveLength(MANY + 40);
    await until(scene.waiting, (count) => count === MANY);
  }, 60_000);
});

describe('a path with 5,000 events and a handler that does not end', () => {
  it('has half of the slots, and others run as if it were not there', async () => {
    const scene = await workScene();
    const gate = Promise.withResolvers<void>();
    world.gate = gate.promise;
    await scene.publish({ path: 'slow', version: '1.0.0', limits: { timeoutMs: 60_000 } }, SLOW);
    await scene.publish({ path: 'other', version: '1.0.0' }, noting());
    const running = await executor(scene, { MESH_WORK_SLOTS: '16' });
    await Promise.all(Array.from({ length: MANY }, (_, n) => scene.accept('slow', n)));
    for (let n = 0; n < 100; n++) await scene.accept('other', n);
    await until(
      () => world.runs.filter((run) => run.startsWith('other')).length,
      (count) => count === 100,
      30_000,
    );
    expect(world.most).toBe(8);
    gate.resolve();
    await scene.quiet(60_000);
    expect(world.runs.filter((run) => run.startsWith('slow')).length).toBe(MANY);
    expect(new Set(world.runs).size).toBe(MANY + 100);
    await running.stop();
    expect((await scene.records()).every(({ attempt }) => attempt === 1)).toBe(true);
  }, 120_000);
});

describe('a path that keeps its order', () => {
  it('runs one at a time, as accepted; one that fails holds up its own path alone', async () => {
    const own = { name: ownConsumer(asPath('in/order')), filters: ['mesh.work.in.order'], ordered: true };
    const scene = await workScene([{ ...POOL, filters: ['mesh.work.other'] }, own]);
    const failing = `w.running++; w.most = Math.max(w.most, w.running); await new Promise((r) => setTimeout(r, 5)); w.running--;
      if (body === 3 && attempt < 3) throw new Error('not yet');`;
    await scene.publish(
      { path: 'in/order', version: '1.0.0', work: { ordered: true, backoffMs: 300 } },
      noting(failing),
    );
    await scene.publish({ path: 'other', version: '1.0.0' }, noting());
    await executor(scene);
    await executor(scene);
    for (let n = 0; n < 10; n++) await scene.accept('in/order', n);
    await until(
      () => world.runs,
      (runs) => runs.includes('in/order:3'),
    );
    await scene.accept('other', 'meanwhile');
    await scene.quiet();
    const inOrder = world.runs
      .filter((run) => run.startsWith('in/order'))
      .map((run) => Number(run.split(':')[1]));
    expect(inOrder).toEqual([0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]);
    expect(world.most).toBe(1);
    expect(world.runs).toContain('other:meanwhile');
  });
});

describe('two executors', () => {
  it('share the work of a path, each event for one of them', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0' }, noting());
    const [one, two] = [await executor(scene), await executor(scene)];
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => scene.accept('a', n)));
    await scene.quiet();
    expect(world.runs).toHaveLength(2_000);
    expect(new Set(world.runs).size).toBe(2_000);
    await one.stop();
    await two.stop();
    expect(await scene.records()).toHaveLength(2_000);
  });

  it('of which one does not run a path leave it to the other', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0' }, noting());
    await scene.publish({ path: 'b', version: '1.0.0' }, noting());
    await executor(scene, { MESH_HANDLERS: 'a' });
    await executor(scene, { MESH_HANDLERS: 'b' });
    for (let n = 0; n < 20; n++) {
      await scene.accept('a', n);
      await scene.accept('b', n);
    }
    await scene.quiet();
    expect(world.runs).toHaveLength(40);
    expect(new Set(world.runs).size).toBe(40);
  });
});
