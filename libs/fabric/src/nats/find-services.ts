import type { Connection } from '../connection.js';
import type { FoundService } from '../operator.js';
import type { NatsMeshConnection } from './connect.js';

/**
 * Asks `$SRV.INFO.<name>` and gathers who answers. How many there are is not known, so it waits its time out.
 * @param waitMs after the question; an answer is there within a few milliseconds
 */
export async function findServices(
  connection: Connection,
  name: string,
  waitMs: number,
): Promise<FoundService[]> {
  const { nc, inboxPrefix } = connection as NatsMeshConnection;
  const found: FoundService[] = [];
  const inbox = `${inboxPrefix}.${crypto.randomUUID()}`;
  const subscription = nc.subscribe(inbox, {
    callback: (error, message) => {
      // Without anyone to answer, the server itself sends a message without a body.
      if (!error && message.data.length > 0) found.push(message.json<FoundService>());
    },
  });
  nc.publish(`$SRV.INFO.${name}`, undefined, { reply: inbox });
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  subscription.unsubscribe();
  return found;
}
