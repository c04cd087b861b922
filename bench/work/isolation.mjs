import { setTimeout as delay } from 'node:timers/promises';
import { ATTEMPTS_BUCKET, poolConsumer, WORK_STREAM } from '#contracts';
import { BODY, fill } from './consumers.mjs';
import { frozen, until, waitingOf } from './facts.mjs';
import { runRounds } from './rounds.mjs';

const POOL = 'isolation';
const OWN = 'bench/own';
const OTHER = 'bench/other';
const SLOW = 'bench/slow';
const TROUBLE = 5_000;
const SLOW_MS = 5_000;
/** Times the events of other parts: what comes due now and then must meet each measurement alike. */
const SHARE = 2.5;
/** Long, so that most of what failed waits; it fails again at random times within, doubled each time. */
const BACKOFF_MS = 60_000;

/**
 * Fresh events of a path that are done, a second, while 5,000 others of it, or of another path of the same executor, are
 * in back-off, and while 5,000 wait for a handler that takes five seconds; each beside the same without them.
 */
export async function benchIsolation(ground, { events: asked, ...options }) {
  const events = Math.round(asked * SHARE);
  const failing = { work: { attempts: 100, backoffMs: BACKOFF_MS } };
  const paths = { [OWN]: failing, [OTHER]: {}, [SLOW]: {} };
  const child = await ground.startExecutor(POOL, 'thread', paths);
  const { signal } = options;
  for (const path of Object.keys(paths)) await freshDone(ground, path, 100, signal);
  const pids = { executor: child.pid, nats: ground.nats.pid };
  const contender = (key, path, trouble = none) => ({
    key,
    pids,
    measure: async (time) => {
      await trouble.before(ground, signal);
      await frozen(child, () => fill(ground, path, events));
      await time(async () => {
        await untilAtMost(ground, path, path === OWN ? trouble.left : 0, signal);
        return events;
      });
      await trouble.after(ground, signal);
    },
  });
  const contenders = [
    contender('own', OWN),
    contender('own, 5,000 in back-off', OWN, backOff),
    contender('other', OTHER),
    contender('other, 5,000 in back-off', OTHER, backOff),
    contender('other, 5,000 of 5 s', OTHER, slow),
  ];
  return runRounds('isolation', contenders, options);
}

const none = { left: 0, before: async () => {}, after: async () => {} };

const backOff = {
  left: TROUBLE,
  async before(ground, signal) {
    await ground.manager.streams.purge(`KV_${ATTEMPTS_BUCKET}`);
    await fill(ground, OWN, TROUBLE, '{"fail":true}');
    // Each of them has run once, and what was tried of it stands written.
    await until('all have failed', async () => (await failedOnes(ground)) >= TROUBLE, signal);
  },
  after: (ground, signal) => clear(ground, OWN, signal),
};

const slow = {
  left: TROUBLE,
  async before(ground, signal) {
    await fill(ground, SLOW, TROUBLE, JSON.stringify({ takesMs: SLOW_MS }));
    // The executor has looked at each of them: some run, the others have been sent back.
    await until('none is new', async () => (await infoOf(ground)).num_pending === 0, signal);
  },
  after: (ground, signal) => clear(ground, SLOW, signal),
};

/** What is left of it is taken away; what runs comes to its end. */
async function clear(ground, path, signal) {
  await ground.purge(path);
  await until('nothing is in hand', async () => (await infoOf(ground)).num_ack_pending === 0, signal);
  // The executor knows the path to be congested for two seconds more.
  await delay(2_500, undefined, { signal });
}

const infoOf = ({ manager }) => manager.consumers.info(WORK_STREAM, poolConsumer(POOL));

async function failedOnes({ manager }) {
  const { state } = await manager.streams.info(`KV_${ATTEMPTS_BUCKET}`);
  return state.messages;
}

async function freshDone(ground, path, count, signal) {
  await fill(ground, path, count, BODY);
  await untilAtMost(ground, path, 0, signal);
}

const untilAtMost = (ground, path, left, signal) =>
  until(`${path} is done`, async () => (await waitingOf(ground, path)) <= left, signal);
