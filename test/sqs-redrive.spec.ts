import { afterEach, describe, expect, it } from '@jest/globals';
import { type ControlPath, DEAD_STREAM, deadSubject, decodeDeadLetter } from '#contracts';
import { type Connection, ensureStreams, openStreamStock, STREAM_DEFAULTS } from '#fabric';
import { closeAll, until } from './fixtures/later.js';
import { deadLetterQueue, ingress, Producer, receivesOf, type World, world } from './fixtures/sqs.js';
import { sqsProxy } from './fixtures/sqs-proxy.js';
import { connectionOf, type SeenCall } from './ingress.fixture.js';

afterEach(closeAll);

/** A queue with a dead-letter queue of its own. */
async function redriven(
  { aws }: World,
  maxReceives: number,
  VisibilityTimeout = '1',
): Promise<{ dead: Producer; producer: Producer }> {
  const { dead, RedrivePolicy } = await deadLetterQueue(aws, maxReceives);
  const url = await aws.createQueue('redriven', { VisibilityTimeout, RedrivePolicy });
  return { dead, producer: new Producer(aws, url) };
}

/** The dead letters of the mesh at the moment, the last subject first. */
async function deadLetters(registry: Connection) {
  const stock = openStreamStock(registry, DEAD_STREAM);
  const { first, last } = await stock.state();
  const letters = [];
  for (let seq = first; seq <= last; seq++) {
    const message = await stock.get(seq);
    if (!message) continue;
    const { subject, headers, body } = message;
    letters.push({ subject, headers, body: Buffer.from(body).toString(), facts: decodeDeadLetter(headers) });
  }
  return letters.sort((a, b) => (a.subject > b.subject ? -1 : 1));
}

const receives = (calls: readonly SeenCall[]) => calls.map(({ event }) => receivesOf(event.meta.attributes));

describe('a message that fails', () => {
  it('is delivered as often as its queue says, then lies in the dead letters of its queue', async () => {
    const of = await world();
    const { dead, producer } = await redriven(of, 4);
    await of.responder.serve('users/find', () => ({ outcome: 'handler-error', status: 500 }));
    await ingress(of.nats, of.aws, `${producer.url}=users/find`, { MESH_SQS_MAX_BACKOFF: '1' });
    await producer.send('bad');
    await until(
      () => dead.counts(),
      ({ visible }) => visible === 1,
      20_000,
    );
    expect(receives(of.responder.seen)).toEqual([1, 2, 3, 4]);
    expect(await producer.counts()).toEqual({ visible: 0, inFlight: 0 });
  });

  it('comes again after its back-off, also when a heartbeat was on its way', async () => {
    const of = await world();
    const { producer } = await redriven(of, 4, '3');
    const at: number[] = [];
    const beaten = Promise.withResolvers<void>();
    await of.responder.serve('users/find', async () => {
      at.push(performance.now());
      // It answers while the first heartbeat is on its way, long before there would be a second one.
      if (at.length === 1) await beaten.promise;
      return at.length === 1 ? { outcome: 'failed', status: 400 } : { outcome: 'ok' };
    });
    const proxy = await sqsProxy(of.aws.endpoint);
    const changes: number[] = [];
    proxy.refuse((action, body) => {
      if (action !== 'ChangeMessageVisibilityBatch') return undefined;
      changes.push(JSON.parse(body).Entries[0].VisibilityTimeout);
      beaten.resolve();
      return undefined;
    });
    await ingress(of.nats, { ...of.aws, endpoint: proxy.endpoint }, `${producer.url}=users/find`, {
      MESH_SQS_BACKOFF: '12',
    });
    await producer.send('late');
    await producer.emptied(30_000);
    // The heartbeat's, then the back-off's, and none after it.
    expect(changes[0]).toBe(3);
    expect(changes).toHaveLength(2);
    expect(changes[1]).toBeGreaterThanOrEqual(6);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(6_000);
  });

  it('comes no sooner than its handler asks for by Retry-After', async () => {
    const of = await world();
    const { producer } = await redriven(of, 4);
    const at: number[] = [];
    await of.responder.serve('users/find', () => {
      at.push(performance.now());
      return at.length > 1
        ? { outcome: 'ok' }
        : { outcome: 'failed', status: 503, meta: { headers: { 'retry-after': '3' } } };
    });
    await ingress(of.nats, of.aws, `${producer.url}=users/find`);
    await producer.send('later');
    await producer.emptied();
    expect(at).toHaveLength(2);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(2_800);
  });

  it("in a queue without redrive policy ends in the mesh's dead letters, whole, and others go on", async () => {
    const { nats, aws, responder, producer } = await world();
    const registry = await connectionOf(nats, 'registry');
    await ensureStreams(registry, STREAM_DEFAULTS);
    await responder.serve('users/find', ({ body }) =>
      body === 'bad' ? { outcome: 'handler-error', status: 500, version: '1.0.0' } : { outcome: 'ok' },
    );
    await ingress(nats, aws, producer.url, { MESH_SQS_MAX_RECEIVES: '3', MESH_SQS_MAX_BACKOFF: '1' });
    await producer.send('bad', {
      path: { DataType: 'String', StringValue: 'users/find' },
      count: { DataType: 'Number', StringValue: '7' },
    });
    await producer.send('nowhere');
    await producer.sendTo('users/find', 'good');
    await producer.emptied(20_000);
    expect(responder.bodies.filter((body) => body === 'bad')).toHaveLength(3);
    const [bad, nowhere] = await deadLetters(registry);
    expect(bad).toMatchObject({
      subject: deadSubject('users/find' as ControlPath),
      body: 'bad',
      facts: { reason: 'handler-error', attempts: 3, version: '1.0.0' },
      headers: { 'ce-source': 'urn:lambda-mesh:sqs', 'ce-subject': 'users/find' },
    });
    expect(JSON.parse(bad?.headers['mesh-meta'] ?? '')).toMatchObject({
      source: 'sqs',
      attributes: { queue: 'mesh', messageAttributes: { count: { dataType: 'Number', stringValue: '7' } } },
    });
    expect(nowhere).toMatchObject({
      subject: 'mesh.dead.sqs.mesh',
      body: 'nowhere',
      facts: { reason: 'bad-path', attempts: 3 },
    });
  });

  it('stays in its queue while there is no place for dead letters', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find', () => ({ outcome: 'failed', status: 400 }));
    await ingress(nats, aws, `${producer.url}=users/find`, {
      MESH_SQS_MAX_RECEIVES: '1',
      MESH_SQS_MAX_BACKOFF: '1',
    });
    await producer.send('kept');
    // No registry was here yet, so there is no stream.
    await until(
      () => responder.seen.length,
      (length) => length === 2,
    );
    const registry = await connectionOf(nats, 'registry');
    await ensureStreams(registry, STREAM_DEFAULTS);
    await producer.emptied();
    const [letter] = await deadLetters(registry);
    expect(letter).toMatchObject({ body: 'kept', facts: { reason: 'failed' } });
  });
});

describe('the mesh’s own 503', () => {
  it('burns no receive: what is held longer than its visibility still has all of its attempts', async () => {
    const of = await world();
    const { dead, producer } = await redriven(of, 2, '3');
    await ingress(of.nats, of.aws, `${producer.url}=users/find`);
    const names = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `m${from + index}`);
    await producer.sendMany(names(0, 20));
    const begun = performance.now();
    const passed = () => performance.now() - begun;
    // The receives that were under way when the first one was held have ended by then, but for one long poll.
    await until(passed, (ms) => ms > 1_500);
    await producer.sendMany(names(20, 60));
    // More than two visibility timeouts pass, with nobody to run what is held: nothing more is received.
    const seen: number[] = [];
    await until(
      async () => {
        seen.push((await producer.counts()).visible);
        return passed();
      },
      (ms) => ms > 9_000,
      20_000,
    );
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(30);
    await of.responder.serve('users/find');
    await producer.emptied(30_000);
    expect(new Set(receives(of.responder.seen))).toEqual(new Set([1]));
    expect([...of.responder.bodies].sort()).toEqual(names(0, 60).sort());
    expect(await dead.counts()).toEqual({ visible: 0, inFlight: 0 });
  });
});
