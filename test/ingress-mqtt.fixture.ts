import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import {
  type ControlPath,
  decodeEvent,
  decodeHeaders,
  decodeWork,
  type EventEnvelope,
  encodeResult,
  pathOfSubject,
  poolConsumer,
  readConfig,
  WORK_STREAM,
  type WorkRouting,
} from '#contracts';
import {
  type Connection,
  ensureStreams,
  openWorkConsumers,
  openWorkPuller,
  type RouteStore,
  STREAM_DEFAULTS,
  type StreamOptions,
  type WorkItem,
} from '#fabric';
import type { NatsOptions, NatsServer } from '#servers';
import { settings } from '../apps/ingress-mqtt/src/config.js';
import { start } from '../apps/ingress-mqtt/src/ingress-mqtt.js';
import { later, until } from './fixtures/later.js';
import { connectionOf, loginOf, natsServer, Responder, routeOf, routeStore } from './ingress.fixture.js';

/* What the scenarios of the MQTT ingress stand on: NATS with streams and routes, who takes calls and work, a device. */

export interface Ingress {
  readonly readiness: Awaited<ReturnType<typeof start>>['readiness'];
  /** Once, however often it is asked. */
  stop(): Promise<void>;
}

/** The service in this process, stopped after the scenario. */
export async function ingressTo(
  nats: NatsServer,
  brokerUrl: string,
  environment: Record<string, string> = {},
): Promise<Ingress> {
  const login = { ...loginOf(nats, 'ingress'), MESH_MQTT_URL: brokerUrl };
  const config = readConfig('ingress-mqtt', settings, { ...login, ...environment });
  const running = await start(config, {}, { health: false });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.stop());
  later(stop);
  return { readiness: running.readiness, stop };
}

/** The variables with which the service logs in at the MQTT listener of a nats-server. */
export const bridgeOf = ({ users }: Pick<NatsServer, 'users'>): Record<string, string> => ({
  MESH_MQTT_USER: 'bridge',
  MESH_MQTT_PASSWORD: users.bridge.password,
});

export const whenReady = ({ readiness }: Ingress): Promise<boolean> =>
  until(
    () => readiness.ready,
    (ready) => ready,
    20_000,
  );

/** A device, or whatever speaks MQTT, gone after the scenario. */
export async function device(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
  later(() => client.endAsync(true));
  return client;
}

/** Work as it came out of the stream. */
export interface SeenWork {
  readonly path: string;
  readonly routing: WorkRouting;
  readonly event: EventEnvelope;
  readonly body: string;
  readonly item: WorkItem;
}

/** Stands where an executor does: takes the work of all paths over the real stream, and is done with it at once. */
export class Worker {
  readonly seen: SeenWork[] = [];

  private constructor(
    connection: Connection,
    /** What it is done with; without, the work waits for its time limit. */
    private readonly onWork: (work: SeenWork, connection: Connection) => Promise<void>,
  ) {
    const most = 500;
    const puller = openWorkPuller(connection, {
      stream: WORK_STREAM,
      consumer: poolConsumer('default'),
      batch: most / 2,
      onItem: (item) => {
        puller.pull(1);
        this.#take(item, connection);
      },
    });
    this.stop = () => puller.stop();
    later(this.stop);
    puller.pull(most);
  }

  readonly stop: () => Promise<void>;

  static async on(
    nats: NatsServer,
    onWork: (work: SeenWork, connection: Connection) => Promise<void> = ({ item }) => item.done(),
  ): Promise<Worker> {
    return new Worker(await connectionOf(nats, 'executor'), onWork);
  }

  get bodies(): string[] {
    return this.seen.map(({ body }) => body);
  }

  /** Resolves when so many have come. */
  came(count: number, ms?: number): Promise<string[]> {
    return until(
      () => this.bodies,
      (bodies) => bodies.length >= count,
      ms,
    );
  }

  #take(item: WorkItem, connection: Connection): void {
    const headers = decodeHeaders(item.headers ?? new Uint8Array());
    const work = {
      path: pathOfSubject(item.subject),
      routing: decodeWork(headers, () => 'none'),
      event: decodeEvent(headers, () => 'none'),
      body: Buffer.from(item.body).toString(),
      item,
    };
    this.seen.push(work);
    void this.onWork(work, connection).catch(() => undefined);
  }
}

/** Answers work that asks for it, as the executor does. */
export async function answering({ routing, body, item }: SeenWork, connection: Connection): Promise<void> {
  if (routing.reply !== undefined) {
    const { id } = routing;
    const headers = encodeResult({
      id,
      outcome: 'ok',
      status: 200,
      version: '1.0.0',
      contentType: 'text/plain',
    });
    await publisherOf(connection)(routing.reply, headers, Buffer.from(`answer to ${body}`));
  }
  await item.done();
}

/** The raw client below a connection: the port has no way to say headers without a stream. */
function publisherOf(connection: Connection) {
  const { nc } = connection as unknown as {
    nc: { publish(subject: string, body: Uint8Array, options: object): void; flush(): Promise<void> };
  };
  return async (subject: string, headers: Uint8Array, body: Uint8Array) => {
    nc.publish(subject, body, { headers: { encode: () => headers } });
    await nc.flush();
  };
}

/** Streams and the consumer of the default pool, as the registry makes them. */
export async function makeStreams(nats: NatsServer, options: Partial<StreamOptions> = {}): Promise<void> {
  const connection = await connectionOf(nats, 'registry');
  await ensureStreams(connection, { ...STREAM_DEFAULTS, ...options });
  const pool = { name: poolConsumer('default'), filters: ['mesh.work.>'], ordered: false };
  await (await openWorkConsumers(connection)).put(pool);
}

/** As when no registry was ever there to make it. */
export async function removeStream(nats: NatsServer, name: string): Promise<void> {
  const { user, password: pass } = nats.users.registry;
  const connection = await connect({ servers: nats.url, user, pass, inboxPrefix: `_INBOX.${user}` });
  await (await jetstreamManager(connection)).streams.delete(name);
  await connection.close();
}

/** Messages in the stream of work. */
export async function stored(nats: NatsServer): Promise<number> {
  const { user, password: pass } = nats.users.registry;
  const connection = await connect({ servers: nats.url, user, pass, inboxPrefix: `_INBOX.${user}` });
  const { state } = await (await jetstreamManager(connection)).streams.info(WORK_STREAM);
  await connection.close();
  return state.messages;
}

export interface World {
  readonly nats: NatsServer;
  readonly routes: RouteStore;
  /** Takes calls (QoS 0). */
  readonly responder: Responder;
}

export interface WorldOptions {
  readonly nats?: NatsOptions;
  readonly streams?: Partial<StreamOptions>;
}

/** NATS with its MQTT listener, streams, and live routes that nobody serves yet. */
export async function world(paths: readonly string[], options: WorldOptions = {}): Promise<World> {
  const nats = await natsServer({ mqttPort: 0, ...options.nats });
  await makeStreams(nats, options.streams);
  const routes = await routeStore(nats);
  for (const path of paths) await routes.put(routeOf(path));
  return { nats, routes, responder: await Responder.on(nats) };
}

export const asPath = (text: string): ControlPath => text as ControlPath;
