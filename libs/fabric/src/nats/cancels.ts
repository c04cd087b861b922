import { CANCEL_SUBJECTS, type CancelCode } from '#contracts';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

const PREFIX_LENGTH = CANCEL_SUBJECTS.lastIndexOf('.') + 1;

/**
 * Hands over the mesh-id of each event that is cancelled from now on, and why. Best effort, as NATS without JetStream
 * is: what is missed runs to its end.
 */
export function followCancels(
  connection: Connection,
  listener: (meshId: string, code: CancelCode) => void,
): void {
  (connection as NatsMeshConnection).nc.subscribe(CANCEL_SUBJECTS, {
    callback: (error, message) => {
      if (error) return;
      const code = message.string() === 'client-gone' ? 'client-gone' : 'cancelled';
      listener(message.subject.slice(PREFIX_LENGTH), code);
    },
  });
}
