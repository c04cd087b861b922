import { poolConsumer, workSubject } from '#contracts';
import { ask, untilDone } from './facts.mjs';

/*
 * Who takes work out of the stream: a consumer that does nothing but acknowledge, in two forms, and executors, whose
 * handler does next to nothing. Each has a consumer and a path of its own.
 */

export const BODY = '{"id":"42"}';
export const AT_ONCE = 512;

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

/** @returns {Promise<{ key: string, pool: string, path: string, child: object }[]>} all of them, at work */
export async function startConsumers(ground, signal) {
  const running = [];
  for (const { key, pool, start } of CONSUMERS) {
    const path = `bench/${pool}`;
    const child = await start(ground, pool, path);
    await fill(ground, path, 100);
    await untilDone(ground, pool, signal);
    running.push({ key, pool, path, child });
  }
  return running;
}

/** Events as an ingress makes them, each confirmed by the stream. */
export const fill = (ground, path, count, body = BODY) =>
  ask(ground.publisher, { path, body, count, atOnce: AT_ONCE });

/** Events as `js.publish` sends them. */
export const fillRaw = (publisher, path, count) =>
  ask(publisher, { subject: workSubject(path), body: BODY, count, atOnce: AT_ONCE });
