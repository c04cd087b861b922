import { fill, fillRaw, startConsumers } from './consumers.mjs';
import { untilDone } from './facts.mjs';
import { runRounds } from './rounds.mjs';

/**
 * Events that are accepted and done, a second, with publisher and consumer at work side by side: a plain publisher before
 * the plain consumers, the mesh's before executors.
 */
export async function benchFlow(ground, { events, ...options }) {
  const { nats, publisher } = ground;
  const raw = await ground.startOwn('publisher-raw.mjs', 'ingress');
  const consumers = await startConsumers(ground, options.signal);
  const contenders = consumers.map(({ key, pool, path, child }) => {
    const isRaw = key.startsWith('raw');
    const publish = isRaw ? () => fillRaw(raw, path, events) : () => fill(ground, path, events);
    return {
      key,
      pids: { publisher: (isRaw ? raw : publisher).pid, consumer: child.pid, nats: nats.pid },
      measure: (time) =>
        time(async () => {
          await publish();
          await untilDone(ground, pool, options.signal);
          return events;
        }),
    };
  });
  return runRounds('flow', contenders, options);
}
