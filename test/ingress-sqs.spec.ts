import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { awsServer, deadLetterQueue, ingress, Producer, receivesOf, world } from './fixtures/sqs.js';
import { freePort, natsServer, Responder, routeOf, routeStore } from './ingress.fixture.js';

/* Queues of the emulator as callers: the ingress, NATS and SQS are real, handlers are answered for. */

afterEach(closeAll);

describe('a message', () => {
  it('runs the handler that its attribute "path" names, once, and is deleted', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    await ingress(nats, aws, producer.url);
    await producer.send('{"id":"7"}', {
      path: { DataType: 'String', StringValue: 'users/find@1.0.0' },
      'content-type': { DataType: 'String', StringValue: 'application/json; charset=utf-8' },
      traceparent: { DataType: 'String', StringValue: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
    });
    await producer.emptied();
    expect(responder.bodies).toEqual(['{"id":"7"}']);
    const { event } = responder.seen[0] as (typeof responder.seen)[0];
    expect(event).toMatchObject({
      version: '1.0.0',
      contentType: 'application/json; charset=utf-8',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      meta: {
        source: 'sqs',
        attributes: {
          queue: 'mesh',
          queueArn: expect.stringMatching(/^arn:aws:sqs:[a-z0-9-]+:\d{12}:mesh$/),
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          systemAttributes: { ApproximateReceiveCount: '1' },
          messageAttributes: { blob: { dataType: 'Binary', binaryValue: 'AP8=' } },
        },
      },
    });
  });

  it("runs its queue's own handler, whatever path it names itself", async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    await ingress(nats, aws, `${producer.url}=users/find`);
    await producer.sendTo('users/erase', 'a');
    await producer.send('b');
    await producer.emptied();
    expect(responder.bodies.sort()).toEqual(['a', 'b']);
  });

  it('is left to the redrive of its queue when the handler says no or fails', async () => {
    const { nats, aws, responder, producer } = await world();
    const { dead, RedrivePolicy } = await deadLetterQueue(aws, 2);
    const attributes = { VisibilityTimeout: '1', RedrivePolicy };
    const redriven = new Producer(aws, await aws.createQueue('redriven', attributes));
    await responder.serve('users/find', ({ body }) => ({
      outcome: body === 'no' ? 'failed' : body === 'throws' ? 'handler-error' : 'ok',
    }));
    await ingress(nats, aws, `${redriven.url}=users/find,${producer.url}`);
    for (const body of ['no', 'throws', 'fine']) await redriven.send(body);
    await until(
      () => dead.counts(),
      ({ visible }) => visible === 2,
    );
    expect(responder.bodies.sort()).toEqual(['fine', 'no', 'no', 'throws', 'throws']);
    expect(await redriven.counts()).toEqual({ visible: 0, inFlight: 0 });
  });

  it('whose path is missing, malformed or nobody’s runs nothing and stays', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    await ingress(nats, aws, producer.url);
    const hostile = [
      'users/*',
      'users/>',
      '$SYS/REQ',
      'users/../find',
      'Users/Find',
      'users//find',
      'users/none',
    ];
    for (const path of hostile) await producer.sendTo(path, path);
    await producer.send('without');
    await producer.send('typed', {
      path: { DataType: 'String', StringValue: 'users/find' },
      'content-type': { DataType: 'String', StringValue: 'nonsense' },
    });
    await until(
      () => producer.counts(),
      ({ inFlight }) => inFlight === hostile.length + 2,
    );
    // What comes after them is run: they were settled, not waited for.
    await producer.sendTo('users/find', 'good');
    await until(
      () => responder.bodies,
      (bodies) => bodies.length > 0,
    );
    expect(responder.bodies).toEqual(['good']);
  });

  it('is nobody else’s while its handler runs longer than the visibility timeout', async () => {
    const { nats, aws, responder, producer, routes } = await world({ VisibilityTimeout: '3' });
    await routes.put({ ...routeOf('users/find', [], 30_000), revision: 2 });
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await responder.serve('users/find', () => finish.promise);
    await ingress(nats, aws, `${producer.url}=users/find`);
    await producer.send('slow');
    const begun = performance.now();
    // The clock is the fact here: two and a half visibility timeouts pass.
    await until(
      async () => ({ ms: performance.now() - begun, counts: await producer.counts() }),
      ({ ms, counts }) => {
        if (responder.seen.length > 0) expect(counts.visible).toBe(0);
        return ms > 7_500;
      },
      20_000,
    );
    finish.resolve({ outcome: 'ok' });
    await producer.emptied();
    expect(responder.bodies).toEqual(['slow']);
  });
});

describe('many messages', () => {
  it('each run once and are deleted, never more in hand than allowed', async () => {
    const { nats, aws, responder, producer } = await world();
    let running = 0;
    let most = 0;
    await responder.serve('users/find', async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return { outcome: 'ok' };
    });
    const bodies = Array.from({ length: 120 }, (_, index) => `m${index}`);
    await Promise.all(bodies.map((body) => producer.send(body)));
    await ingress(nats, aws, `${producer.url}=users/find`, { MESH_SQS_CONCURRENCY: '7' });
    await producer.emptied();
    expect(responder.bodies.sort()).toEqual(bodies.sort());
    expect(most).toBeLessThanOrEqual(7);
  });

  it('of a FIFO group run in order', async () => {
    const { nats, aws, responder, producer } = await world({}, 'orders.fifo');
    await responder.serve('users/find');
    const bodies = Array.from({ length: 12 }, (_, index) => `m${index}`);
    for (const body of bodies) await producer.send(body);
    await ingress(nats, aws, `${producer.url}=users/find`);
    await producer.emptied();
    expect(responder.bodies).toEqual(bodies);
  });
});

describe('while the mesh cannot take a message', () => {
  it('it is held without using up receives, no more are received, and it runs when there is an executor', async () => {
    const { nats, aws, responder, producer } = await world({ VisibilityTimeout: '3' });
    const { stop, readiness } = await ingress(nats, aws, `${producer.url}=users/find`, {
      MESH_SQS_CONCURRENCY: '2',
    });
    for (const body of ['a', 'b', 'c', 'd']) await producer.send(body);
    const begun = performance.now();
    await until(
      async () => ({ ms: performance.now() - begun, counts: await producer.counts() }),
      ({ ms, counts }) => ms > 7_500 && counts.inFlight === 2 && counts.visible === 2,
      20_000,
    );
    expect(readiness.ready).toBe(true);
    await responder.serve('users/find');
    await producer.emptied();
    expect(responder.bodies.sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(responder.seen.map(({ event }) => receivesOf(event.meta.attributes))).toEqual([1, 1, 1, 1]);
    await stop();
  });

  it('a stop gives held messages back', async () => {
    const { nats, aws, producer } = await world();
    // One at a time, so that no receive is under way whose answer would be lost with the stop.
    const { stop } = await ingress(nats, aws, `${producer.url}=users/find`, { MESH_SQS_CONCURRENCY: '1' });
    await producer.send('held');
    await until(
      () => producer.counts(),
      ({ inFlight }) => inFlight === 1,
    );
    await stop();
    expect(await producer.peek()).toEqual([{ body: 'held', receives: 2 }]);
  });

  it('no receive begins while NATS is away, and all is run once when NATS is back', async () => {
    const port = await freePort();
    const passwords = { registry: 'r', executor: 'e', ingress: 'i', bridge: 'b' };
    const first = await natsServer({ port, passwords });
    const aws = await awsServer();
    await (await routeStore(first)).put(routeOf('users/find'));
    const responder = await Responder.on(first);
    await responder.serve('users/find');
    const producer = new Producer(aws, await aws.createQueue('mesh'));
    const { readiness } = await ingress(first, aws, `${producer.url}=users/find`);
    expect(readiness.ready).toBe(true);
    await first.stop();
    await until(
      () => readiness.report(),
      (report) => report.nats === false,
    );
    // The receive that was under way brings this one, which is held; none begins any more.
    await producer.send('held');
    await until(
      () => producer.counts(),
      ({ inFlight }) => inFlight === 1,
    );
    await producer.send('left');
    expect(await producer.counts()).toEqual({ visible: 1, inFlight: 1 });
    await natsServer({ port, passwords });
    await producer.emptied();
    expect(responder.bodies.sort()).toEqual(['held', 'left']);
    expect(responder.seen.map(({ event }) => receivesOf(event.meta.attributes))).toEqual([1, 1]);
    expect(readiness.ready).toBe(true);
  });
});

describe('a stop', () => {
  it('in mid-flight finishes and deletes what runs, and takes nothing more', async () => {
    const { nats, aws, responder, producer } = await world();
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await responder.serve('users/find', () => finish.promise);
    const { stop, readiness } = await ingress(nats, aws, `${producer.url}=users/find`, {
      MESH_SQS_CONCURRENCY: '2',
    });
    for (const body of ['a', 'b', 'c']) await producer.send(body);
    await until(
      () => responder.seen.length,
      (length) => length === 2,
    );
    const stopped = stop();
    expect(readiness.ready).toBe(false);
    finish.resolve({ outcome: 'ok' });
    await stopped;
    const left = ['a', 'b', 'c'].filter((body) => !responder.bodies.includes(body));
    expect(await producer.counts()).toEqual({ visible: 1, inFlight: 0 });
    expect(await producer.peek()).toEqual([{ body: left[0], receives: 1 }]);
  });
});

describe('a queue that cannot be reached', () => {
  it('is a state: not ready, tried again, and received from once it is there', async () => {
    const { nats, aws, responder } = await world();
    await responder.serve('users/find');
    const url = `${aws.endpoint}/000000000000/later`;
    const { readiness } = await ingress(nats, aws, `${url}=users/find`);
    expect(readiness.report()).toEqual({ nats: true, routes: true, 'queue later': false });
    const producer = new Producer(aws, await aws.createQueue('later'));
    await producer.send('first');
    await producer.emptied();
    expect(responder.bodies).toEqual(['first']);
    expect(readiness.ready).toBe(true);
  });

  it('because SQS went away is received from again when SQS is back', async () => {
    const port = await freePort();
    const nats = await natsServer();
    await (await routeStore(nats)).put(routeOf('users/find'));
    const responder = await Responder.on(nats);
    await responder.serve('users/find');
    const first = await awsServer({ port });
    const { readiness } = await ingress(nats, first, `${await first.createQueue('mesh')}=users/find`);
    expect(readiness.ready).toBe(true);
    await first.stop();
    await until(
      () => readiness.ready,
      (ready) => !ready,
    );
    const second = await awsServer({ port });
    const producer = new Producer(second, await second.createQueue('mesh'));
    await producer.send('after');
    await producer.emptied();
    expect(responder.bodies).toEqual(['after']);
    expect(readiness.ready).toBe(true);
  });
});
