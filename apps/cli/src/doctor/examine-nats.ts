import { findServices } from '#fabric';
import { connectNats } from '../nats.js';
import type { Shell } from '../shell.js';
import { bad, type Finding, findingOf, good } from './finding.js';

const ANSWER_MS = 1_000;

/** Whether NATS takes a connection, and which executors answer on it. */
export async function examineNats(shell: Shell, stated: string | undefined): Promise<Finding[]> {
  try {
    const connection = await connectNats(shell, stated);
    try {
      const executors = await findServices(connection, 'mesh-executor', ANSWER_MS);
      const found = executors.map(({ id, endpoints }) => `${id} (${endpoints.length} handlers)`);
      return [
        good('nats', 'takes connections'),
        found.length > 0
          ? good('executors', found.join(', '))
          : bad(
              'executors',
              'none answers',
              'Start one; see its log. Until then calls are answered with 503.',
            ),
      ];
    } finally {
      await connection.close();
    }
  } catch (error) {
    return [findingOf('nats', error)];
  }
}
