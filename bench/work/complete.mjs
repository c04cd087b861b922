import { fill, startConsumers } from './consumers.mjs';
import { frozen, untilDone } from './facts.mjs';
import { runRounds } from './rounds.mjs';

/**
 * Events that are done, a second. They wait in the stream, complete as an ingress makes them, when the clock starts; it
 * stops when the consumer has neither any that waits nor one in hand.
 */
export async function benchComplete(ground, { events, ...options }) {
  const consumers = await startConsumers(ground, options.signal);
  const contenders = consumers.map(({ key, pool, path, child }) => ({
    key,
    pids: { consumer: child.pid, nats: ground.nats.pid },
    measure: async (time) => {
      await frozen(child, () => fill(ground, path, events));
      await time(async () => {
        await untilDone(ground, pool, options.signal);
        return events;
      });
    },
  }));
  return runRounds('complete', contenders, options);
}
