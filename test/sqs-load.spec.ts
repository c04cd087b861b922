import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll } from './fixtures/later.js';
import { ingress, world } from './fixtures/sqs.js';
import { sqsProxy } from './fixtures/sqs-proxy.js';

/* A full queue: `MESH_TEST_SQS_MESSAGES=20000` is the whole of it. */

afterEach(closeAll);

const MESSAGES = Number(process.env.MESH_TEST_SQS_MESSAGES ?? 2_000);

describe(`${MESSAGES} messages of a full queue`, () => {
  it('each run once and are deleted, with at most a request for four of them', async () => {
    const { nats, aws, responder, producer } = await world();
    await responder.serve('users/find');
    const bodies = Array.from({ length: MESSAGES }, (_, index) => `m${index}`);
    await producer.sendMany(bodies);
    const proxy = await sqsProxy(aws.endpoint);
    const begun = performance.now();
    await ingress(nats, { ...aws, endpoint: proxy.endpoint }, `${producer.url}=users/find`);
    await producer.emptied(300_000);
    const ms = performance.now() - begun;
    expect(responder.bodies.length).toBe(MESSAGES);
    expect(new Set(responder.bodies)).toEqual(new Set(bodies));
    expect(proxy.count() / MESSAGES).toBeLessThanOrEqual(0.25);
    if (process.env.MESH_TEST_SQS_MESSAGES)
      console.log(`${Math.round((MESSAGES / ms) * 1_000)} messages/s, requests`, proxy.requests);
  }, 400_000);
});
