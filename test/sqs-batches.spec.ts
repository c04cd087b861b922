import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { catalogue, executor, served } from './fixtures/mesh.js';
import { awsServer, deadLetterQueue, ingress, Producer, world } from './fixtures/sqs.js';
import { routeOf, type SeenCall } from './ingress.fixture.js';

/* Handlers whose trigger says `batchSize`: they take Lambda's Records, and say which of them failed. */

afterEach(closeAll);

interface Record {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string; readonly MessageGroupId?: string };
}

const recordsOf = ({ body }: Pick<SeenCall, 'body'>): Record[] =>
  (JSON.parse(body) as { Records: Record[] }).Records;
const bodiesOf = (call: SeenCall) => recordsOf(call).map(({ body }) => body);
/** OK, with these messages as failed. */
const failing = (records: readonly Record[]) => ({
  outcome: 'ok' as const,
  body: JSON.stringify({
    batchItemFailures: records.map(({ messageId }) => ({ itemIdentifier: messageId })),
  }),
});
const trigger = (queue: string, batchSize: number) => ({ sqs: { queue, batchSize } });
const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

describe('a handler of Lambda, in an executor', () => {
  it('finds event.Records, and only the messages that it names come again', async () => {
    const of = await catalogue();
    const aws = await awsServer();
    const { dead, RedrivePolicy } = await deadLetterQueue(aws, 2);
    const producer = new Producer(aws, await aws.createQueue('orders', { RedrivePolicy }));
    const code = `export const handler = async (event, context) => ({
      batchItemFailures: event.Records
        .filter((r) => r.body === 'bad' || r.eventSource !== 'aws:sqs' || r.messageAttributes.n?.stringValue !== '7')
        .map((r) => ({ itemIdentifier: r.messageId })),
    });`;
    const of1 = { path: 'orders/take', version: '1.0.0', triggers: [trigger('orders', 10)] };
    const route = await of.publish(of1, code);
    await executor(of);
    await served(of, route);
    for (const body of ['good', 'bad', 'fine'])
      await producer.send(body, { n: { DataType: 'Number', StringValue: '7' } });
    await producer.send('without the attribute');
    await ingress(of.nats, aws, '');
    await until(
      () => dead.counts(),
      ({ visible }) => visible === 2,
    );
    expect(await producer.counts()).toEqual({ visible: 0, inFlight: 0 });
    const left = (await dead.receive(10)).map(({ Body }) => Body);
    expect(left.sort()).toEqual(['bad', 'without the attribute']);
  });
});

describe('batches', () => {
  it('hold what one receive brought, up to the size of the trigger', async () => {
    const { nats, aws, responder, producer } = await world({}, 'mesh', [trigger('mesh', 4)]);
    await responder.serve('users/find');
    await producer.sendMany(names(22));
    await ingress(nats, aws, `${producer.url}=users/find`);
    await producer.emptied();
    const sizes = responder.seen.map((call) => recordsOf(call).length);
    expect(Math.max(...sizes)).toBe(4);
    expect(responder.seen.flatMap(bodiesOf).sort()).toEqual(names(22).sort());
    expect(responder.seen[0]?.event.meta).toMatchObject({
      source: 'sqs',
      attributes: { queue: 'mesh', records: sizes[0] },
    });
  });

  it('hold messages of one handler alone, and one that takes no batch gets them singly', async () => {
    const { nats, aws, responder, producer, routes } = await world({}, 'mesh', [trigger('mesh', 10)]);
    await routes.put(routeOf('users/list'));
    await responder.serve('users/find');
    await responder.serve('users/list');
    for (const name of names(8)) await producer.sendTo(name < 'm4' ? 'users/find' : 'users/list', name);
    await ingress(nats, aws, producer.url);
    await producer.emptied();
    const lists = responder.seen.filter(({ path }) => path === 'users/list');
    expect(lists.map(({ body }) => body).sort()).toEqual(['m4', 'm5', 'm6', 'm7']);
    const finds = responder.seen.filter(({ path }) => path === 'users/find');
    expect(finds.flatMap(bodiesOf).sort()).toEqual(['m0', 'm1', 'm2', 'm3']);
  });

  it('all come again after a throw, a FAIL, or an answer that makes no sense, and are deleted after a good one', async () => {
    const { nats, aws, responder, producer } = await world({}, 'mesh', [trigger('mesh', 10)]);
    const answers = [
      { outcome: 'handler-error', status: 500 },
      { outcome: 'failed', status: 400 },
      { outcome: 'ok', body: 'not JSON' },
      { outcome: 'ok', body: '{"batchItemFailures":[{"itemIdentifier":""}]}' },
      { outcome: 'ok', body: '{"batchItemFailures":[{"itemIdentifier":"somebody else"}]}' },
      { outcome: 'ok', body: '{"batchItemFailures":[]}' },
    ] as const;
    await responder.serve('users/find', (_, count) => answers[count - 1] ?? { outcome: 'ok' });
    await producer.send('one');
    await ingress(nats, aws, `${producer.url}=users/find`, { MESH_SQS_MAX_BACKOFF: '1' });
    await producer.emptied(20_000);
    expect(responder.seen.map(bodiesOf)).toEqual(answers.map(() => ['one']));
    expect(responder.seen.map((call) => recordsOf(call)[0]?.attributes.ApproximateReceiveCount)).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
  });

  it('are held whole while there is no executor, without using up receives', async () => {
    const { nats, aws, responder, producer } = await world({ VisibilityTimeout: '3' }, 'mesh', [
      trigger('mesh', 10),
    ]);
    await producer.sendMany(names(10));
    await ingress(nats, aws, `${producer.url}=users/find`);
    const begun = performance.now();
    await until(
      async () => ({ ms: performance.now() - begun, ...(await producer.counts()) }),
      ({ ms, inFlight }) => ms > 7_500 && inFlight === 10,
      20_000,
    );
    await responder.serve('users/find');
    await producer.emptied();
    const records = responder.seen.flatMap(recordsOf);
    expect(records.map(({ body }) => body).sort()).toEqual(names(10));
    expect(new Set(records.map(({ attributes }) => attributes.ApproximateReceiveCount))).toEqual(
      new Set(['1']),
    );
  });

  it('of a FIFO queue hold several groups; one that fails stops its group alone', async () => {
    const { nats, aws, responder } = await world({}, 'mesh', [trigger('orders.fifo', 10)]);
    const producer = new Producer(aws, await aws.createQueue('orders.fifo'));
    const failed = new Set<string>();
    await responder.serve('users/find', (call) => {
      // Each message of group 1 fails the first time.
      const bad = recordsOf(call).filter(({ body }) => body.startsWith('g1') && !failed.has(body));
      for (const { body } of bad) failed.add(body);
      return failing(bad);
    });
    for (const number of [0, 1, 2])
      for (const group of ['g0', 'g1', 'g2']) await producer.send(`${group}-${number}`, {}, group);
    await ingress(nats, aws, '', { MESH_SQS_MAX_BACKOFF: '1' });
    await producer.emptied(20_000);
    const seen = responder.seen.flatMap(bodiesOf);
    const of = (group: string) => seen.filter((body) => body.startsWith(group));
    expect(of('g0')).toEqual(['g0-0', 'g0-1', 'g0-2']);
    expect(of('g2')).toEqual(['g2-0', 'g2-1', 'g2-2']);
    expect(of('g1')).toEqual(['g1-0', 'g1-0', 'g1-1', 'g1-1', 'g1-2', 'g1-2']);
    expect(Math.max(...responder.seen.map((call) => recordsOf(call).length))).toBeGreaterThan(1);
  });
});
