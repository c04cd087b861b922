import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { ServiceProcess } from './fixtures/service-process.js';
import { Producer, type World, world } from './fixtures/sqs.js';
import { loginOf } from './ingress.fixture.js';

/* The service as it is deployed: `npm run build` first. */

afterEach(closeAll);

function ingressProcess({ nats, aws, producer }: World, url = producer.url): ServiceProcess {
  const service = new ServiceProcess('ingress-sqs', {
    ...loginOf(nats, 'ingress'),
    MESH_SQS_QUEUES: `${url}=users/find`,
    MESH_HEALTH_PORT: '0',
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
  });
  later(() => service.end('SIGKILL'));
  return service;
}

describe('kill -9 of ingress-sqs in mid-run', () => {
  it('loses nothing, and runs nothing twice but what it had in hand', async () => {
    const of = await world({ VisibilityTimeout: '3' });
    const bodies = Array.from({ length: 1_500 }, (_, index) => `m${index}`);
    await of.producer.sendMany(bodies);
    await of.responder.serve('users/find', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { outcome: 'ok' };
    });
    const first = ingressProcess(of);
    await until(
      () => of.responder.seen.length,
      (length) => length > 300,
      30_000,
    );
    await first.end('SIGKILL');
    ingressProcess(of);
    await of.producer.emptied(60_000);
    expect(new Set(of.responder.bodies)).toEqual(new Set(bodies));
    expect(of.responder.bodies.length - bodies.length).toBeLessThanOrEqual(64);
  }, 120_000);
});

describe('an ingress-sqs that stands still longer than the visibility', () => {
  it('runs no group out of order when it goes on, and nothing is lost', async () => {
    const of = await world();
    const url = await of.aws.createQueue('orders.fifo', { VisibilityTimeout: '2' });
    const producer = new Producer(of.aws, url);
    const groups = ['a', 'b', 'c', 'd'];
    for (let number = 10; number < 60; number++)
      await Promise.all(groups.map((group) => producer.send(`${group}${number}`, {}, group)));
    await of.responder.serve('users/find', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { outcome: 'ok' };
    });
    const first = ingressProcess(of, url);
    await until(
      () => of.responder.seen.length,
      (length) => length > 20,
      30_000,
    );
    process.kill(first.pid, 'SIGSTOP');
    const before = of.responder.seen.length;
    ingressProcess(of, url);
    // What the first one had is visible again, and the second has gone on with it.
    await until(
      () => of.responder.seen.length,
      (length) => length > before + 40,
      30_000,
    );
    process.kill(first.pid, 'SIGCONT');
    await producer.emptied(60_000);
    for (const group of groups) {
      const seen = of.responder.bodies.filter((body) => body.startsWith(group));
      // At least once, and again only what was in hand: never behind what came after it.
      expect(seen).toEqual([...seen].sort());
      expect(new Set(seen).size).toBe(50);
    }
  }, 120_000);
});
