import type { Connection } from '../connection.js';
import type { ServiceAnswer, Survey } from '../survey.js';
import type { NatsMeshConnection } from './connect.js';

/**
 * Asks `$SRV.INFO.<name>` (ADR-32 of NATS) about one path, as often as wanted, over one inbox.
 * @param onAnswer called for each answer; with `undefined` when nobody is there to answer
 */
export function survey(
  connection: Connection,
  name: string,
  path: string,
  onAnswer: (answer: ServiceAnswer | undefined) => void,
): Survey {
  const { nc, inboxPrefix } = connection as NatsMeshConnection;
  const inbox = `${inboxPrefix}.${crypto.randomUUID()}`;
  const question = JSON.stringify({ path });
  const subscription = nc.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return;
      // Without anyone to answer, the server itself sends a message without a body.
      onAnswer(message.data.length === 0 ? undefined : message.json<ServiceAnswer>());
    },
  });
  return {
    ask: () => nc.publish(`$SRV.INFO.${name}`, question, { reply: inbox }),
    stop: () => subscription.unsubscribe(),
  };
}
