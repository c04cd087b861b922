import type { RegistryClient } from '../registry-client.js';
import type { BacklogView } from '../views.js';
import { bad, type Finding, findingOf, good } from './finding.js';

/** A stream that is so full will soon refuse what comes. */
const NEARLY_FULL = 0.9;

/** What waits, and what ended badly: neither is a fault, a stream that is full is one. */
export async function examineWork(client: RegistryClient): Promise<Finding[]> {
  try {
    const { work, dead, consumers, schedules } = await client.get<BacklogView>('/work');
    const inHand = consumers.reduce((sum, one) => sum + one.inHand, 0);
    const waiting = consumers.reduce((sum, one) => sum + one.waiting, 0);
    const since = work.oldestAt === null ? '' : `, the oldest since ${work.oldestAt}`;
    return [
      isNearlyFull(work)
        ? bad('work', `${waiting} events wait and their stream is nearly full`, FULL_WORK)
        : good('work', `${waiting} wait, ${inHand} in hand, ${schedules} cron triggers${since}`),
      isNearlyFull(dead)
        ? bad('dead', `${dead.messages} dead letters, and their stream is nearly full`, FULL_DEAD)
        : good('dead', lettersText(dead.messages)),
    ];
  } catch (error) {
    return [findingOf('work', error)];
  }
}

const lettersText = (count: number): string =>
  count === 0 ? 'none' : `${count} dead letter${count === 1 ? '' : 's'}: mesh dead ls`;

const isNearlyFull = ({ bytes, maxBytes }: BacklogView['work']): boolean =>
  maxBytes > 0 && bytes > maxBytes * NEARLY_FULL;

const FULL_WORK = 'Start more executors, or raise MESH_WORK_MAX_BYTES; when it is full, new work is refused.';
const FULL_DEAD = 'Replay or drop some (mesh dead replay, mesh dead drop), or raise MESH_DEAD_MAX_BYTES.';
