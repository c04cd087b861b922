import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { ServiceProcess } from './fixtures/service-process.js';
import { type World, world } from './fixtures/sqs.js';
import { loginOf } from './ingress.fixture.js';

/* The service as it is deployed: `npm run build` first. */

afterEach(closeAll);

function ingressProcess({ nats, aws, producer }: World): ServiceProcess {
  const service = new ServiceProcess('ingress-sqs', {
    ...loginOf(nats, 'ingress'),
    MESH_SQS_QUEUES: `${producer.url}=users/find`,
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
