import { type Connection, connect } from '#fabric';
import { CliError, EXIT } from './exit.js';
import { findNats } from './mesh-address.js';
import type { Shell } from './shell.js';

const CONNECT_MS = 5_000;

/**
 * A connection to NATS. The library's own connect waits for a server for ever; a command gives up.
 * @throws CliError
 */
export async function connectNats(shell: Shell, stated: string | undefined): Promise<Connection> {
  const address = findNats(shell, stated);
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(notThere(address.natsUrl)), CONNECT_MS);
  try {
    return await Promise.race([connect({ ...address, name: 'mesh command' }), limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const notThere = (url: string) =>
  new CliError(
    `NATS at ${url} did not take a connection within ${CONNECT_MS / 1000} s.`,
    'Is it running? Set MESH_NATS_URL, and MESH_NATS_USER with MESH_NATS_PASSWORD if it wants a login.',
    EXIT.unreachable,
    'unreachable',
  );
