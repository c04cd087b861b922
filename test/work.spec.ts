import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { executor, served } from './fixtures/mesh.js';
import { workScene } from './fixtures/work.js';

/* Work, from the stream to its end, with real streams and an executor in this process. */

afterEach(closeAll);

/** Handlers run inline, so they can be watched from here. */
const seen: { path: string; attempt: number; body: unknown }[] = [];
(globalThis as { workSeen?: typeof seen }).workSeen = seen;
afterEach(() => void seen.splice(0));

const handler = (code: string) =>
  `export default async (event, context) => { globalThis.workSeen.push({ path: event.path, attempt: context.attempt, body: event.body }); ${code} };`;

describe('work', () => {
  it('runs once, is acknowledged, and leaves a record', async () => {
    const scene = await workScene();
    await scene.publish({ path: 'a', version: '1.0.0' }, handler('return 1'));
    const running = await executor(scene);
    const id = await scene.accept('a', { n: 1 });
    await scene.quiet();
    expect(seen).toEqual([{ path: 'a', attempt: 1, body: { n: 1 } }]);
    await running.stop();
    expect(await scene.records()).toMatchObject([{ id, path: 'a', outcome: 'ok', attempt: 1, status: 200 }]);
    expect(await scene.dead()).toEqual([]);
  });

  it('that fails is tried again after a while, and succeeds', async () => {
    const scene = await workScene();
    const fails = `if (context.attempt < 3) throw new Error('not yet')`;
    await scene.publish({ path: 'a', version: '1.0.0', work: { backoffMs: 50 } }, handler(fails));
    const running = await executor(scene);
    const id = await scene.accept('a', 1);
    await scene.quiet();
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    await running.stop();
    const records = await scene.records();
    expect(
      records.map((one) => [one.id, one.outcome, one.attempt]).sort((a, b) => Number(a[2]) - Number(b[2])),
    ).toEqual([
      [id, 'handler-error', 1],
      [id, 'handler-error', 2],
      [id, 'ok', 3],
    ]);
  });

  it('that fails as often as it may becomes a dead letter, untouched and with the reason', async () => {
    const scene = await workScene();
    await scene.publish(
      { path: 'a', version: '1.0.0', work: { attempts: 2, backoffMs: 10 } },
      handler(`throw new TypeError('no such table')`),
    );
    const running = await executor(scene);
    const id = await scene.accept('a', { n: 1 }, { cloudEvent: { id: 'order-7', type: 'order.made' } });
    await scene.quiet();
    await running.stop();
    const [letter, ...others] = await scene.dead();
    expect(others).toEqual([]);
    expect(letter?.facts).toMatchObject({
      reason: 'handler-error',
      error: 'TypeError: no such table',
      attempts: 2,
      version: '1.0.0',
    });
    expect(letter?.headers).toMatchObject({ 'mesh-id': id, 'ce-id': 'order-7', 'ce-type': 'order.made' });
    expect(letter?.body).toBe('{"n":1}');
    expect(await until(scene.records, ({ length }) => length === 2)).toHaveLength(2);
  });

  it('to which the handler says no is a dead letter at once', async () => {
    const scene = await workScene();
    const route = await scene.publish(
      { path: 'a', version: '1.0.0' },
      handler(`return context('FAIL', { why: 'no such user' })`),
    );
    await executor(scene);
    await served(scene, route);
    await scene.accept('a', 1);
    await scene.quiet();
    expect(seen).toHaveLength(1);
    expect(await scene.dead()).toMatchObject([
      { facts: { reason: 'failed', attempts: 1, error: '{"why":"no such user"}' } },
    ]);
  });
});
