import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ControlPath, type EventEnvelope, MeshError, type Reference, type Route } from '#contracts';
import type { CallReply, MeshLink } from '#fabric';
import { Delivery } from './delivery.js';
import type { InHand } from './in-hand.js';
import type { SqsMetrics } from './sqs-metrics.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const URL = 'http://sqs/000000000000/orders';
const target = { binding: { url: URL, name: 'orders' }, queueArn: 'arn', queueUrl: URL };
const find = 'users/find' as ControlPath;

const routeOf = (batchSize?: number): Route =>
  ({
    path: find,
    versions: [{ weight: 100, limits: {}, triggers: [{ sqs: { queue: 'orders', batchSize } }] }],
  }) as unknown as Route;

const itemOf = (id: string, handler: Reference | MeshError = { path: find }, size = 1) =>
  ({ id, handler, size, isLost: false, message: { MessageId: id, Body: id } }) as unknown as InHand & {
    isLost: boolean;
  };

const ok = (body = '') =>
  ({ result: { id: '', outcome: 'ok', status: 200 }, body: Buffer.from(body) }) as CallReply;

/** A mesh that is answered for: each call takes the next answer. */
function mesh(batchSize: number | undefined, ...answers: (CallReply | MeshError)[]) {
  const calls: { event: EventEnvelope; body: string; held: number }[] = [];
  const state = { route: routeOf(batchSize) as Route | undefined };
  const stop = new AbortController();
  const link = {
    routes: { get: () => state.route },
    connection: { maxBody: 600 },
    untilConnected: () => Promise.resolve(),
    invoker: {
      invoke: async (_: ControlPath, event: EventEnvelope, body: Uint8Array) => {
        calls.push({ event, body: Buffer.from(body).toString(), held: delivery.held });
        const answer = answers.shift() ?? ok();
        if (answer instanceof MeshError) throw answer;
        return answer;
      },
    },
  } as unknown as MeshLink;
  const metrics = { countCall: () => undefined } as unknown as SqsMetrics;
  const delivery: Delivery = new Delivery({
    link,
    metrics,
    stopping: stop.signal,
    onFault: () => undefined,
  });
  return { delivery, calls, state, stop };
}

describe('a batch', () => {
  const fits = (batchSize: number | undefined, batch: InHand[], item: InHand) =>
    mesh(batchSize).delivery.fits(batch, item, target);

  it('holds what its handler takes at once, of one version', () => {
    const pinned = { path: find, version: '1.0.0' };
    expect(fits(undefined, [itemOf('a')], itemOf('b'))).toBe(false);
    expect(fits(2, [itemOf('a')], itemOf('b'))).toBe(true);
    expect(fits(2, [itemOf('a'), itemOf('b')], itemOf('c'))).toBe(false);
    expect(fits(2, [itemOf('a')], itemOf('b', pinned))).toBe(false);
    expect(fits(2, [itemOf('a')], itemOf('b', new MeshError('bad-path')))).toBe(false);
    expect(fits(2, [itemOf('a', new MeshError('bad-path'))], itemOf('b'))).toBe(false);
  });

  it('fits a message of the mesh, however much of it JSON escapes', () => {
    expect(fits(9, [itemOf('a', { path: find }, 60)], itemOf('b', { path: find }, 40))).toBe(true);
    expect(fits(9, [itemOf('a', { path: find }, 60)], itemOf('b', { path: find }, 41))).toBe(false);
  });

  it('is judged message by message', async () => {
    const items = [itemOf('a'), itemOf('b'), itemOf('c')];
    const { delivery } = mesh(9, ok('{"batchItemFailures":[{"itemIdentifier":"b"}]}'));
    const verdicts = await delivery.deliver(items, target);
    expect(items.map((item) => verdicts.get(item)?.settlement)).toEqual(['delete', 'release', 'delete']);
  });

  it('whose handler takes no batches any more is not taken for its first message', async () => {
    const items = [itemOf('a'), itemOf('b')];
    const { delivery, calls, state } = mesh(9, new MeshError('no-executor'));
    const delivered = delivery.deliver(items, target);
    state.route = routeOf();
    await jest.advanceTimersByTimeAsync(200);
    const verdicts = await delivered;
    expect(calls[1]?.body).toBe('a');
    expect(items.map((item) => verdicts.get(item)?.settlement)).toEqual(['delete', undefined]);
  });
});

describe('what the mesh cannot take', () => {
  it('is tried again until it can, and counts as held all the while', async () => {
    const item = itemOf('a');
    const { delivery, calls } = mesh(
      undefined,
      new MeshError('no-executor'),
      new MeshError('too-busy'),
      new MeshError('not-connected'),
    );
    const delivered = delivery.deliver([item], target);
    await jest.advanceTimersByTimeAsync(5_000);
    expect((await delivered).get(item)).toMatchObject({ settlement: 'delete', outcome: 'ok' });
    expect(calls.map(({ held }) => held)).toEqual([0, 1, 1, 1]);
    expect([delivery.held, delivery.running]).toEqual([0, 0]);
  });

  it('stays so when the service stops', async () => {
    const item = itemOf('a');
    const { delivery, calls, stop } = mesh(undefined, new MeshError('no-executor'));
    const delivered = delivery.deliver([item], target);
    await jest.advanceTimersByTimeAsync(10);
    stop.abort();
    expect((await delivered).get(item)?.settlement).toBe('hold');
    expect(calls).toHaveLength(1);
  });

  it('is not run when others may have it by then', async () => {
    const item = itemOf('a');
    const { delivery, calls } = mesh(undefined, new MeshError('no-executor'));
    const delivered = delivery.deliver([item], target);
    await jest.advanceTimersByTimeAsync(10);
    item.isLost = true;
    await jest.advanceTimersByTimeAsync(200);
    expect((await delivered).size).toBe(0);
    expect(calls).toHaveLength(1);
  });

  it('is released when its route goes meanwhile', async () => {
    const item = itemOf('a');
    const { delivery, state } = mesh(undefined, new MeshError('no-executor'));
    const delivered = delivery.deliver([item], target);
    state.route = undefined;
    await jest.advanceTimersByTimeAsync(200);
    expect((await delivered).get(item)).toMatchObject({ settlement: 'release', outcome: 'no-route' });
  });
});
