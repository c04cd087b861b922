import type { Msg, Subscription } from '@nats-io/transport-node';
import { decodeHeaders, decodeResult } from '#contracts';
import type { Connection } from '../connection.js';
import type { IncomingResult, ResultIntake } from '../result-intake.js';
import type { NatsMeshConnection } from './connect.js';
import { headerBlock } from './raw-message.js';

/** nats-server takes 4,096 bytes for a line with subject, reply subject and sizes (`max_control_line`). */
const LONGEST_SUBJECT = 3_500;
const TOKEN = /^[0-9A-Za-z_-]+$/;

/**
 * @param name of the replicas that share what comes: letters, digits, `_` and `-`. Below the service's own inbox prefix,
 *   which no other user may hear.
 */
export function createResultIntake(
  connection: Connection,
  name: string,
  onResult: (incoming: IncomingResult) => void,
): ResultIntake {
  const { nc, inboxPrefix } = connection as NatsMeshConnection;
  const prefix = `${inboxPrefix}.results.${name}.`;
  let subscription: Subscription | undefined;
  return {
    subjectOf: (token) =>
      TOKEN.test(token) && prefix.length + token.length <= LONGEST_SUBJECT ? prefix + token : undefined,
    start() {
      subscription ??= nc.subscribe(`${prefix}*`, {
        queue: 'results',
        callback: (error, message) => {
          const incoming = error ? undefined : read(message, prefix);
          if (incoming) onResult(incoming);
        },
      });
    },
    async stop() {
      const stopped = subscription;
      subscription = undefined;
      if (stopped && !nc.isClosed()) await stopped.drain();
    },
  };
}

function read(message: Msg, prefix: string): IncomingResult | undefined {
  try {
    const result = decodeResult(decodeHeaders(headerBlock(message) ?? new Uint8Array()));
    return { token: message.subject.slice(prefix.length), result, body: message.data };
  } catch {
    return undefined;
  }
}
