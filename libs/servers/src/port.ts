import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { ServerError } from './server-error.js';

/** Everything here listens on this machine only. */
export const LOOPBACK = '127.0.0.1';

/** A port that is wanted, and the variable with which an operator would choose another. */
export interface WantedPort {
  /** 0 picks a free one. */
  readonly port: number;
  readonly variable?: string;
}

/**
 * Refuses a port that another program has, before a server is started that would only say so in its log.
 * @throws ServerError naming the port and the variable to change
 */
export async function expectFree(server: string, { port, variable }: WantedPort): Promise<void> {
  if (port === 0) return;
  try {
    await listenOnce(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === 'EADDRINUSE' ? 'is already taken' : `cannot be used (${code})`;
    const remedy = variable
      ? `set ${variable} to a free port (0 picks one)`
      : 'choose another port (0 picks one)';
    throw new ServerError(
      server,
      `Port ${port} on ${LOOPBACK}, wanted for ${server}, ${what}. Remedy: ${remedy}.`,
      {
        cause: error,
      },
    );
  }
}

/** A port that was free a moment ago, for servers that cannot pick one themselves. */
export const freePort = (): Promise<number> => listenOnce(0);

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return actual;
}

/**
 * Runs `start` on the wanted port, or on free ones until one is still free when the server takes it.
 * `isPortTaken` tells that failure from others.
 */
export async function onPort<T>(
  port: number,
  isPortTaken: (error: unknown) => boolean,
  start: (port: number) => Promise<T>,
): Promise<T> {
  if (port !== 0) return start(port);
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 5 || !isPortTaken(error)) throw error;
    }
  }
}
