import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type AwsServer,
  type MosquittoServer,
  type NatsServer,
  type PostgresServer,
  startAws,
  startMosquitto,
  startNats,
  startPostgres,
} from '#servers';
import { lastingPort } from './ports.ts';
import { type Started, Unit } from './unit.ts';

/** The servers, on ports and in folders that they find again, and how each is reached. */
export interface Servers {
  readonly units: readonly Unit[];
  readonly nats: NatsServer;
  readonly mqtt: {
    readonly url: string;
    /** The broker has shared subscriptions. */
    readonly shares: boolean;
    readonly user?: string;
    readonly password?: string;
  };
  readonly aws: AwsServer;
  /** The registry's own. */
  readonly catalogueDatabase: string;
  /** Where handlers write what they did. */
  readonly chaosDatabase: string;
  stop(): Promise<void>;
}

const USERS = ['registry', 'executor', 'ingress', 'operator', 'bridge'] as const;

export async function startServers(folder: string, broker: 'mosquitto' | 'nats'): Promise<Servers> {
  const starting = [natsUnit(folder), postgresUnit(folder), awsUnit(folder)] as const;
  const [nats, postgres, aws] = await Promise.all(starting);
  const mosquitto = broker === 'mosquitto' ? await mosquittoUnit(folder) : undefined;
  const all = [nats, postgres, aws, ...(mosquitto ? [mosquitto] : [])];
  const units = all.map(({ unit }) => unit);
  const { bridge } = nats.server.users;
  return {
    units,
    nats: nats.server,
    aws: aws.server,
    mqtt: mosquitto
      ? { url: mosquitto.server.url, shares: true }
      : { url: nats.server.mqttUrl as string, shares: false, user: bridge.user, password: bridge.password },
    catalogueDatabase: await postgres.server.createDatabase('mesh'),
    chaosDatabase: await postgres.server.createDatabase('chaos'),
    stop: async () => {
      await Promise.all(units.map((unit) => unit.stop()));
    },
  };
}

interface Server<T> {
  readonly unit: Unit;
  /** As it was first started; its addresses hold for every later start. */
  readonly server: T;
}

/** A server that its launcher calls ready is ready. */
async function serverUnit<T extends Started>(name: string, launch: () => Promise<T>): Promise<Server<T>> {
  let first: T | undefined;
  const unit = new Unit({
    name,
    launch: async () => {
      const server = await launch();
      first ??= server;
      return server;
    },
    ready: () => Promise.resolve(true),
  });
  await unit.start();
  return { unit, server: first as T };
}

async function natsUnit(folder: string): Promise<Server<NatsServer>> {
  const [port, mqttPort, httpPort] = [await lastingPort(), await lastingPort(), await lastingPort()];
  const passwords = Object.fromEntries(USERS.map((user) => [user, randomBytes(12).toString('hex')]));
  const dataDir = join(folder, 'nats');
  return serverUnit('nats', () => startNats({ dataDir, port, mqttPort, httpPort, passwords }));
}

async function postgresUnit(folder: string): Promise<Server<PostgresServer>> {
  const port = await lastingPort();
  return serverUnit('postgres', () => startPostgres({ dataDir: join(folder, 'postgres'), port }));
}

async function awsUnit(folder: string): Promise<Server<AwsServer>> {
  const port = await lastingPort();
  return serverUnit('aws', () => startAws({ dataDir: join(folder, 'aws'), port }));
}

/** By default a session may hold 1,000 messages, and what comes above that is dropped though it was acknowledged. */
const MOSQUITTO = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 200'];

async function mosquittoUnit(folder: string): Promise<Server<MosquittoServer>> {
  const port = await lastingPort();
  const dataDir = join(folder, 'mosquitto');
  return serverUnit('mosquitto', () => startMosquitto({ dataDir, port, config: MOSQUITTO }));
}
