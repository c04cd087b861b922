import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startAws } from '#servers';
import { frozen, until } from './facts.mjs';
import { untilServing } from './ground.mjs';
import { windowed } from './own-process.mjs';
import { runRounds } from './rounds.mjs';

const PEERS = new URL('../peers/', import.meta.url);
const PATH = 'bench/sqs';
const BATCH = 10;
const AT_ONCE = 16;
/** The emulator is slow: fewer tell as much. */
const SHARE = 0.25;
/** How often it is asked whether it has any left: each time it has less time for others. */
const ASK_MS = 20;

/**
 * Messages that were handled and deleted, a second, out of a full queue: by sqs-consumer, one by one and in batches, and
 * by ingress-sqs and an executor. All on one emulator, which has a queue for each.
 */
export async function benchSqs(ground, { events, ...options }) {
  if (!existsSync(new URL('node_modules/sqs-consumer', PEERS)))
    throw new Error('sqs-consumer is missing. Remedy: npm ci --prefix bench/peers');
  const aws = ground.keep(await startAws());
  const { accessKeyId, secretAccessKey } = aws.credentials;
  const env = {
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const sqs = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials });
  ground.keep({ stop: () => sqs.destroy() });
  const sides = [
    await peer(ground, aws, env, 'sqs-consumer', {}),
    await peer(ground, aws, env, 'sqs-consumer, batches', { BENCH_BATCHES: '1' }),
    await mesh(ground, aws, env),
  ];
  const count = Math.max(BATCH, Math.round((events * SHARE) / BATCH) * BATCH);
  const contenders = sides.map(({ key, queue, receiver, pids }) => ({
    key,
    pids: { ...pids, emulator: aws.pid },
    measure: async (time) => {
      await frozen(receiver, () => send(sqs, queue, count));
      await time(async () => {
        await until(`${key} has emptied its queue`, () => isEmpty(sqs, queue), options.signal, ASK_MS);
        return count;
      });
    },
  }));
  return runRounds('sqs', contenders, options);
}

async function peer(ground, aws, env, key, more) {
  const queue = await aws.createQueue(`peer${more.BENCH_BATCHES ?? ''}`);
  const file = fileURLToPath(new URL('sqs-consumer.mjs', PEERS));
  const receiver = ground.children.start(key, file, {
    ...env,
    BENCH_QUEUE: queue,
    BENCH_ENDPOINT: aws.endpoint,
    ...more,
  });
  await receiver.untilReady();
  return { key, queue, receiver, pids: { consumer: receiver.pid } };
}

async function mesh(ground, aws, env) {
  const queue = await aws.createQueue('mesh');
  const executor = await ground.startExecutor('sqs', 'thread', { [PATH]: {} });
  const receiver = ground.startService('ingress-sqs', 'ingress-sqs', {
    ...ground.loginOf('ingress'),
    ...env,
    AWS_ENDPOINT_URL_SQS: aws.endpoint,
    MESH_SQS_QUEUES: `${queue}=${PATH}`,
  });
  await untilServing(receiver);
  const pids = { ingress: receiver.pid, executor: executor.pid, nats: ground.nats.pid };
  return { key: 'ingress-sqs', queue, receiver, pids };
}

async function send(sqs, queue, count) {
  const Entries = Array.from({ length: BATCH }, (_, n) => ({ Id: String(n), MessageBody: '{"id":"42"}' }));
  await windowed(count / BATCH, AT_ONCE, async () => {
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
    if (Failed.length > 0) throw new Error(`The emulator refused a message: ${Failed[0].Message}`);
  });
}

/** Neither one that waits nor one in hand. */
async function isEmpty(sqs, queue) {
  const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames }),
  );
  return AttributeNames.every((name) => Number(Attributes[name]) === 0);
}
