import { setTimeout as delay } from 'node:timers/promises';
import { poolConsumer, WORK_STREAM, workSubject } from '#contracts';

const EVERY_MS = 4;
const WITHIN_MS = 180_000;

/** Asks until it is so. @param everyMs how often. @throws Error with what was waited for */
export async function until(what, isSo, signal, everyMs = EVERY_MS) {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    if (await isSo()) return;
    if (performance.now() > end) throw new Error(`Not within ${WITHIN_MS} ms: ${what}`);
    await delay(everyMs, undefined, { signal });
  }
}

/** Nothing waits for the pool, and nothing is in hand. */
export const untilDone = ({ manager }, pool, signal) =>
  until(
    `pool ${pool} has done all`,
    async () => {
      const info = await manager.consumers.info(WORK_STREAM, poolConsumer(pool));
      return info.num_pending === 0 && info.num_ack_pending === 0;
    },
    signal,
  );

/** How many events of a path the stream has. */
export async function waitingOf({ manager }, path) {
  const subject = workSubject(path);
  const { state } = await manager.streams.info(WORK_STREAM, { subjects_filter: subject });
  return state.subjects?.[subject] ?? 0;
}

/** @returns what a process of ours answers to a message */
export function ask(child, message) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const gone = (code) => reject(new Error(`${child.name} ended (${code})`));
  child.process.once('exit', gone);
  child.process.once('message', (answer) => {
    child.process.off('exit', gone);
    if (answer.fault) reject(new Error(`${child.name}: ${answer.fault}`));
    else resolve(answer);
  });
  child.process.send(message);
  return promise;
}

/** Runs `work` while a process does nothing at all: what comes for it meanwhile waits in a stream, queue or socket. */
export async function frozen(child, work) {
  process.kill(child.pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(child.pid, 'SIGCONT');
  }
}
