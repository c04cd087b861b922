import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingProgram, systemProgram } from './binary.js';
import { launch, type ServerProcess } from './child.js';
import { claimFolder } from './claim.js';
import { dataFolder } from './folder.js';
import { expectFree, LOOPBACK, onPort } from './port.js';
import { mayEnter, NOBODY } from './reach.js';

export interface MosquittoOptions {
  /** Where sessions and retained messages are kept; absent: a temporary folder, removed at the stop. */
  readonly dataDir?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** The variable that sets `port`, named when the port is taken. */
  readonly portVariable?: string;
  /** Lines of mosquitto.conf(5) for the listener; absent: everyone may connect. */
  readonly config?: readonly string[];
  /** More folders to look for `mosquitto` in, as in PATH. */
  readonly searchPath?: string;
}

export interface MosquittoServer {
  readonly pid: number;
  readonly port: number;
  /** `mqtt://127.0.0.1:<port>` */
  readonly url: string;
  log(): string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Mosquitto, which speaks MQTT 5 and shared subscriptions, on the loopback address. It is not on npm.
 * @throws ServerError when it is not installed, the port is taken, or it ends while starting
 */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const { port = 0, portVariable: variable } = options;
  const command = systemProgram('mosquitto', options.searchPath);
  if (!command) throw missingProgram('mosquitto', 'mosquitto', 'apt-get install mosquitto');
  await expectFree('mosquitto', { port, variable });
  const folder = await dataFolder('mosquitto', options.dataDir);
  const claim = await claimFolder('mosquitto', folder.path, 'SIGTERM');
  const cleanUp = () => {
    claim.release();
    folder.discard();
  };
  try {
    const start = (on: number) => launchMosquitto(command, folder.path, on, options.config, claim.started);
    const { actual, server } = await onPort(port, isPortTaken, async (on) => ({
      actual: on,
      server: await start(on),
    }));
    void server.exited.then(cleanUp);
    return { ...server, port: actual, url: `mqtt://${LOOPBACK}:${actual}` };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

function launchMosquitto(
  command: string,
  folder: string,
  port: number,
  config: readonly string[] = ['allow_anonymous true'],
  onStarted: (pid: number) => void,
): Promise<ServerProcess> {
  const file = join(folder, 'mosquitto.conf');
  const lines = [`listener ${port} ${LOOPBACK}`, ...config, 'log_dest stderr', ...storeLines(folder)];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const ready = /mosquitto version .* running/;
  return launch({
    server: 'mosquitto',
    command,
    args: ['-c', file],
    ready,
    stopSignal: 'SIGTERM',
    onStarted,
  });
}

/** Started by root, Mosquitto becomes another user once it has read its file; that one must reach the store. */
function storeLines(folder: string): string[] {
  const store = join(folder, 'store');
  mkdirSync(store, { recursive: true });
  const lines = ['persistence true', `persistence_location ${store}/`, 'autosave_interval 1'];
  if (process.getuid?.() !== 0) return lines;
  if (!mayEnter(folder, NOBODY)) return [...lines, 'user root'];
  chownSync(store, NOBODY, NOBODY);
  return [...lines, 'user nobody'];
}

const isPortTaken = (error: unknown): boolean => /Address already in use/.test(String(error));
