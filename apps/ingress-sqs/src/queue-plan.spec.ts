import { describe, expect, it } from '@jest/globals';
import type { ControlPath, Route } from '#contracts';
import { type PlanParts, planQueues, triggerFor } from './queue-plan.js';

const ORDERS = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const ARN = 'arn:aws:sqs:eu-west-1:123456789012:orders';

function route(path: string, ...queues: (string | { queue: string; batchSize?: number })[]): Route {
  const triggers = queues.map((queue) => ({ sqs: typeof queue === 'string' ? { queue } : queue }));
  const http = { http: { path: '/x' } };
  return { path, versions: [{ weight: 100, triggers: [http, ...triggers] }] } as unknown as Route;
}

const plan = (routes: Route[], parts: Partial<PlanParts> = {}) =>
  planQueues(routes, { listed: [], allowed: ['*'], most: 10, ...parts });
const summary = (routes: Route[], parts?: Partial<PlanParts>) =>
  plan(routes, parts).queues.map(({ key, binding }) => `${key} → ${binding.handler?.path ?? 'by message'}`);

describe('which queues are received from', () => {
  it("the operator's and those of triggers, each for its handler", () => {
    const routes = [route('b/two', 'two', 'three'), route('a/one', 'one'), route('none')];
    const listed = [{ url: ORDERS, name: 'orders' }];
    expect(summary(routes, { listed })).toEqual([
      `${ORDERS} → by message`,
      'one → a/one',
      'two → b/two',
      'three → b/two',
    ]);
  });

  it.each(['orders', ARN, ORDERS])("the operator's handler wins over a trigger for %s", (queue) => {
    const handler = { path: 'operators/own' as ControlPath };
    const listed = [{ url: ORDERS, name: 'orders', handler }];
    const { queues, refused } = plan([route('users/find', queue)], { listed });
    expect(queues).toMatchObject([{ binding: { handler }, isListed: true }]);
    expect(queues).toHaveLength(1);
    expect(refused).toEqual([]);
  });

  it('a listed queue without a handler falls back on the one that names it', () => {
    const listed = [{ url: ORDERS, name: 'orders' }];
    expect(plan([route('users/find', 'orders')], { listed }).queues[0]?.binding).toEqual({
      url: ORDERS,
      name: 'orders',
      fallback: { path: 'users/find' },
    });
  });

  it('of two handlers the first path has it, in whatever order their routes came', () => {
    const routes = [route('b', 'orders'), route('a', ARN)];
    for (const order of [routes, [...routes].reverse()]) {
      expect(summary(order)).toEqual([`${ARN} → a`]);
      expect(plan(order).refused).toEqual(['b asks for queue orders: a has it already']);
    }
  });

  it('a handler that names one queue twice has it once', () => {
    expect(plan([route('a', 'orders', ARN)])).toMatchObject({ queues: [{ key: 'orders' }], refused: [] });
  });

  it.each<[string, string[], boolean]>([
    ['orders', ['*'], true],
    ['orders', ['ord*'], true],
    ['orders', ['orders-*', 'bills'], false],
    ['orders', ['none'], false],
    ['xorders', ['orders'], false],
    ['a.fifo', ['aXfifo'], false],
    [ARN, ['orders'], true],
    [ARN, ['arn:aws:sqs:*:123456789012:*'], true],
    [ARN, ['arn:aws:sqs:*:000000000000:*'], false],
    [ORDERS, ['*'], false],
    [ORDERS, ['https://sqs.eu-west-1.amazonaws.com/*'], true],
    ['http://169.254.169.254/1/orders', ['*', 'https://*'], false],
  ])('%s under %j: %s', (queue, allowed, taken) => {
    const { queues, refused } = plan([route('a', queue)], { allowed });
    expect(queues).toHaveLength(taken ? 1 : 0);
    expect(refused).toEqual(
      taken ? [] : [`a asks for queue ${queue}: MESH_SQS_TRIGGER_QUEUES does not allow it`],
    );
  });

  it('no more than allowed, and none that is no queue', () => {
    const { queues, refused } = plan([route('a', 'one', 'two', 'no queue')], { most: 1 });
    expect(queues).toHaveLength(1);
    expect(refused).toEqual([
      'a asks for queue no queue: that is no name, ARN or URL of a queue',
      'a asks for queue two: MESH_SQS_MAX_QUEUES are received from already',
    ]);
  });

  it('the version with the greatest weight decides, also on how many messages a handler takes', () => {
    const version = (weight: number, queue: string, batchSize?: number) => ({
      weight,
      triggers: [{ sqs: { queue, ...(batchSize ? { batchSize } : {}) } }],
    });
    const mixed = {
      path: 'a',
      versions: [version(10, 'old'), version(90, 'orders', 7)],
    } as unknown as Route;
    expect(summary([mixed])).toEqual(['orders → a']);
    expect(triggerFor(mixed, { name: 'orders', url: ORDERS })).toEqual({ queue: 'orders', batchSize: 7 });
    expect(triggerFor(mixed, { name: 'old' })).toBeUndefined();
  });
});
