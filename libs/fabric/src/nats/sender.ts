import type { Connection } from '../connection.js';
import type { Send } from '../work-queue.js';
import type { NatsMeshConnection } from './connect.js';
import { asClientHeaders } from './raw-message.js';

export function createSender(connection: Connection): Send {
  const { nc } = connection as NatsMeshConnection;
  return (subject, headers, body) => {
    if (connection.connected) nc.publish(subject, body, { headers: asClientHeaders(headers) });
  };
}
