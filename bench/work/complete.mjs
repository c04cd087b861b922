import { poolConsumer } from '#contracts';
import { ask, frozen, untilDone } from './facts.mjs';
import { runRounds } from './rounds.mjs';

const BODY = '{"id":"42"}';
const AT_ONCE = 512;

/**
 * Events that are done, a second. They wait in the stream, complete as an ingress makes them, when the clock starts; it
 * stops when the consumer has neither any that waits nor one in hand.
 */
export async function benchComplete(ground, { events, ...options }) {
  const contenders = [];
  for (const { key, pool, start } of CONSUMERS) {
    const path = `bench/${pool}`;
    const child = await start(ground, pool, path);
    await fill(ground, path, 100);
    await untilDone(ground, pool, options.signal);
    contenders.push({
      key,
      pids: { consumer: child.pid, nats: ground.nats.pid },
      measure: (time) => drain(ground, child, { pool, path, events, time, signal: options.signal }),
    });
  }
  return runRounds('complete', contenders, options);
}

async function drain(ground, child, { pool, path, events, time, signal }) {
  await frozen(child, () => fill(ground, path, events));
  await time(async () => {
    await untilDone(ground, pool, signal);
    return events;
  });
}

export const fill = (ground, path, count, body = BODY) =>
  ask(ground.publisher, { path, body, count, atOnce: AT_ONCE });

const raw = (confirmed) => async (ground, pool, path) => {
  await ground.pool(pool, [path]);
  return ground.startOwn('consumer-raw.mjs', 'executor', {
    BENCH_CONSUMER: poolConsumer(pool),
    ...(confirmed ? { BENCH_CONFIRMED: '1' } : {}),
  });
};
const mesh = (isolation) => (ground, pool, path) => ground.startExecutor(pool, isolation, { [path]: {} });

const CONSUMERS = [
  { key: 'raw ack', pool: 'raw', start: raw(false) },
  { key: 'raw confirmed', pool: 'raw-confirmed', start: raw(true) },
  { key: 'inline', pool: 'inline', start: mesh('inline') },
  { key: 'thread', pool: 'thread', start: mesh('thread') },
];
