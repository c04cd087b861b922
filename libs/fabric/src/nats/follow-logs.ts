import { type ControlPath, logSubject } from '#contracts';
import type { Connection } from '../connection.js';
import type { LogLine } from '../operator.js';
import type { NatsMeshConnection } from './connect.js';

/**
 * Hands over every line that handlers of a path log from now on, until it is stopped.
 * @returns a promise that rejects when this user may not listen, and how to stop
 */
export function followLogs(
  connection: Connection,
  path: ControlPath,
  listener: (line: LogLine) => void,
): { refused: Promise<never>; stop(): void } {
  const { nc } = connection as NatsMeshConnection;
  const refused = Promise.withResolvers<never>();
  // It may come before anyone waits for it.
  refused.promise.catch(() => undefined);
  const subscription = nc.subscribe(logSubject(path), {
    callback: (error, message) => {
      if (error) refused.reject(error);
      else listener(message.json<LogLine>());
    },
  });
  return { refused: refused.promise, stop: () => subscription.unsubscribe() };
}
