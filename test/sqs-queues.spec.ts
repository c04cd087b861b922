import { afterEach, describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import { closeAll, until } from './fixtures/later.js';
import { ingress, Producer, world } from './fixtures/sqs.js';
import { sqsProxy } from './fixtures/sqs-proxy.js';
import { freePort, routeOf } from './ingress.fixture.js';

/* Which queues are received from, and what becomes of one that goes away. */

afterEach(closeAll);

const takes = (queue: string) => [{ sqs: { queue } }];
const text = (StringValue: string) => ({ DataType: 'String', StringValue });

describe('a queue that a trigger names', () => {
  it('is received from as long as a live route names it, by name or ARN, whatever path a message names', async () => {
    const { nats, aws, responder, routes, producer } = await world({}, 'first');
    await responder.serve('users/find');
    await responder.serve('users/list');
    const second = new Producer(aws, await aws.createQueue('second'));
    await ingress(nats, aws, '');
    await routes.put({ ...routeOf('users/find', takes('first')), revision: 2 });
    await producer.sendTo('users/list', 'a');
    await producer.emptied();
    const arn = `arn:aws:sqs:${aws.region}:000000000000:second`;
    await routes.put({ ...routeOf('users/list', takes(arn)), revision: 3 });
    await second.send('b');
    await second.emptied();
    expect(responder.seen.map(({ path, body }) => [path, body])).toEqual([
      ['users/find', 'a'],
      ['users/list', 'b'],
    ]);
    // Another handler takes the queue over.
    await routes.put({ ...routeOf('users/find', takes('third')), revision: 4 });
    await routes.put({ ...routeOf('users/list', takes('first')), revision: 5 });
    await until(
      async () => {
        await producer.send('c');
        await producer.emptied();
        return responder.seen.at(-1)?.path;
      },
      (path) => path === 'users/list',
    );
  });

  it('is left alone when no route names it any more', async () => {
    const { nats, aws, responder, routes, producer } = await world({}, 'first', takes('first'));
    await responder.serve('users/find');
    await ingress(nats, aws, '');
    await producer.send('a');
    await producer.emptied();
    await routes.remove('users/find' as ControlPath);
    // The poll that is broken off may still take one for the visibility timeout: the emulator does.
    await until(
      async () => {
        await producer.send('later');
        return (await producer.counts()).visible;
      },
      (visible) => visible > 2,
    );
    expect(responder.bodies.filter((body) => body === 'a')).toHaveLength(1);
  });

  it("goes to the operator's handler where he lists it, and only where he allows it else", async () => {
    const { nats, aws, responder, routes, producer } = await world({}, 'first', takes('first'));
    await routes.put(routeOf('users/list', takes('secret')));
    const secret = new Producer(aws, await aws.createQueue('secret'));
    await responder.serve('users/find');
    await responder.serve('users/list');
    await ingress(nats, aws, `${producer.url}=users/list`, { MESH_SQS_TRIGGER_QUEUES: 'orders-*' });
    await secret.send('secret');
    await producer.send('a');
    await producer.emptied();
    expect(responder.seen.map(({ path, body }) => [path, body])).toEqual([['users/list', 'a']]);
    expect(await secret.counts()).toEqual({ visible: 1, inFlight: 0 });
  });

  it('that is not there is no reason to be unready; it is received from once it is there', async () => {
    const { nats, aws, responder, producer } = await world({}, 'other', takes('later'));
    await responder.serve('users/find');
    const { readiness } = await ingress(nats, aws, producer.url);
    expect(readiness.ready).toBe(true);
    const queue = new Producer(aws, await aws.createQueue('later'));
    await queue.send('a');
    await queue.emptied();
    expect(responder.bodies).toEqual(['a']);
  });

  it('is a fallback in a listed queue whose messages may name their handler', async () => {
    const { nats, aws, responder, routes, producer } = await world({}, 'mesh', takes('mesh'));
    await routes.put(routeOf('users/list'));
    await responder.serve('users/find');
    await responder.serve('users/list');
    await ingress(nats, aws, producer.url);
    await producer.sendTo('users/list', 'named');
    await producer.send('unnamed');
    await producer.emptied();
    expect(responder.seen.map(({ path, body }) => `${path} ${body}`).sort()).toEqual([
      'users/find unnamed',
      'users/list named',
    ]);
  });
});

describe('a queue', () => {
  it('that vanishes is a state: not ready, others go on, and received from again when it is back', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    const other = new Producer(aws, await aws.createQueue('other'));
    const { readiness } = await ingress(nats, aws, `${producer.url}=users/find,${other.url}=users/find`);
    expect(readiness.ready).toBe(true);
    await producer.deleteQueue();
    await until(
      () => readiness.report(),
      (report) => report['queue mesh'] === false,
    );
    await other.send('meanwhile');
    await other.emptied();
    await aws.createQueue('mesh');
    await producer.send('again');
    await producer.emptied();
    expect(responder.bodies).toEqual(['meanwhile', 'again']);
    expect(readiness.ready).toBe(true);
  });

  it('whose credentials expire is a state; what ran meanwhile is deleted when they are good again, not run twice', async () => {
    const { nats, aws, responder, producer } = await world({ VisibilityTimeout: '2' });
    const proxy = await sqsProxy(aws.endpoint);
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await responder.serve('users/find', () => finish.promise);
    const { readiness } = await ingress(
      nats,
      { ...aws, endpoint: proxy.endpoint },
      `${producer.url}=users/find`,
      { MESH_SQS_CONCURRENCY: '2' },
    );
    await producer.sendMany(['a', 'b', 'c']);
    await until(
      () => responder.seen.length,
      (length) => length === 2,
    );
    proxy.refuse(() => ({ status: 403, type: 'ExpiredTokenException' }));
    finish.resolve({ outcome: 'ok' });
    // Both are done and none can be deleted. Meanwhile their visibility ends: somebody else may receive them.
    const seen = new Map<string, number>();
    await until(
      async () => {
        for (const { Body = '' } of await producer.receive(10)) seen.set(Body, 1);
        return seen.size;
      },
      (size) => size === 3,
    );
    expect(readiness.report()['queue mesh']).toBe(true);
    proxy.refuse(() => undefined);
    await producer.emptied(20_000);
    expect([...responder.bodies].sort()).toEqual(['a', 'b', 'c']);
    await until(
      () => readiness.ready,
      (ready) => ready,
    );
  });
});

describe('metrics', () => {
  it('tell of every queue what was asked of SQS and what became of its messages', async () => {
    const { nats, aws, responder, producer, routes } = await world({}, 'mesh', takes('orders'));
    await responder.serve('users/find', ({ body }) => ({ outcome: body === 'bad' ? 'failed' : 'ok' }));
    const orders = new Producer(aws, await aws.createQueue('orders'));
    const port = String(await freePort());
    await ingress(nats, aws, `${producer.url}=users/find`, { MESH_HEALTH_PORT: port });
    await orders.send('good');
    await producer.send('bad');
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const told = await until(
      metrics,
      (text) => text.includes('ending="released"') && text.includes('ending="deleted"'),
    );
    for (const line of [
      'mesh_sqs_calls_total{queue="orders",path="users/find",outcome="ok",service="ingress-sqs"} 1',
      'mesh_sqs_messages_total{queue="orders",ending="deleted",service="ingress-sqs"} 1',
      'mesh_sqs_messages_total{queue="mesh",ending="released",service="ingress-sqs"} 1',
      'mesh_sqs_requests_total{queue="orders",operation="delete",service="ingress-sqs"} 1',
      'mesh_sqs_reachable{queue="orders",service="ingress-sqs"} 1',
      'mesh_sqs_held{queue="mesh",service="ingress-sqs"} 0',
    ])
      expect(told).toContain(line);
    // What is no longer received from is no longer told of.
    await routes.remove('users/find' as ControlPath);
    await until(
      metrics,
      (text) => !text.includes('mesh_sqs_reachable{queue="orders",service="ingress-sqs"}'),
    );
  });
});

describe('a message', () => {
  it('of 1 MiB arrives whole, attributes of every type with it', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    await ingress(nats, aws, `${producer.url}=users/find`);
    const attributes = {
      text: text('ä'),
      number: { DataType: 'Number.float', StringValue: '1e-130' },
      bytes: { DataType: 'Binary.png', BinaryValue: Uint8Array.from({ length: 100_000 }, (_, i) => i % 256) },
    };
    const body = 'ä'.repeat(1_048_576 / 2);
    await producer.send(body);
    await producer.emptied();
    await producer.send('small', attributes);
    await producer.emptied();
    expect(responder.bodies[0] === body).toBe(true);
    expect(responder.seen[1]?.event.meta.attributes?.messageAttributes).toEqual({
      text: { dataType: 'String', stringValue: 'ä' },
      number: { dataType: 'Number.float', stringValue: '1e-130' },
      bytes: {
        dataType: 'Binary.png',
        binaryValue: Buffer.from(attributes.bytes.BinaryValue).toString('base64'),
      },
    });
  });
});
