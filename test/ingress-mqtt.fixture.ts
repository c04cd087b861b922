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
import { ServiceProcess } from './fixtures/service-process.js';
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
  const running = await start(config, {}, { health: environment.MESH_HEALTH_PORT !== undefined });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= running.stop());
  later(stop);
  return { readiness: running.readiness, stop };
}

/** The value of a gauge of the service whose health port that is. */
export async function gauge(port: number, name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(await answer.text())?.[1]);
}

/** Resolves when so many messages are in hand, and throws when it becomes another number within a second. */
export async function staysInHand(port: number, count: number): Promise<void> {
  const ask = () => gauge(port, 'mesh_mqtt_in_hand');
  await until(ask, (inHand) => inHand === count);
  const end = performance.now() + 1_000;
  while (performance.now() < end) {
    const inHand = await ask();
    if (inHand !== count) throw new Error(`${inHand} in hand, not ${count}`);
  }
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

/** The service as a process of its own, which can be killed. Needs `npm run build`. */
export function ingressProcess(
  nats: NatsServer,
  brokerUrl: string,
  environment: Record<string, string> = {},
): ServiceProcess {
  const login = { ...loginOf(nats, 'ingress'), MESH_MQTT_URL: brokerUrl, MESH_HEALTH_PORT: '0' };
  const service = new ServiceProcess('ingress-mqtt', { ...login, ...environment });
  later(() => {
    // One that was frozen cannot hear anything else.
    service.child.kill('SIGCONT');
    return service.end('SIGKILL');
  });
  return service;
}

export interface Fleet {
  /** Messages that the broker has acknowledged to their device. */
  readonly acknowledged: readonly string[];
  /** Resolves when every device has sent all that it had. */
  readonly done: Promise<void>;
}

/** Devices, each of which sends so many messages, one after the other, every one with a body of its own. */
export async function fleet(
  url: string,
  topic: string,
  devices: number,
  messages: number,
  qos: 1 | 2 = 1,
): Promise<Fleet> {
  const clients: MqttClient[] = [];
  // A listener's backlog is bounded: not all at once.
  for (let begun = 0; begun < devices; begun += 50) {
    const some = Array.from({ length: Math.min(50, devices - begun) }, () => device(url));
    clients.push(...(await Promise.all(some)));
  }
  const acknowledged: string[] = [];
  const each = Math.ceil(messages / devices);
  const send = async (client: MqttClient, number: number) => {
    for (let index = 0; index < each; index++) {
      await client.publishAsync(topic, `${number}.${index}`, { qos });
      acknowledged.push(`${number}.${index}`);
    }
  };
  return { acknowledged, done: Promise.all(clients.map(send)).then(() => undefined) };
}

/** What of the acknowledged came how often to the worker: that is to say, what was lost and what came twice. */
export function account({ acknowledged }: Fleet, { bodies }: Worker): { lost: string[]; twice: string[] } {
  const counts = new Map<string, number>();
  for (const body of bodies) counts.set(body, (counts.get(body) ?? 0) + 1);
  return {
    lost: acknowledged.filter((body) => !counts.has(body)),
    twice: [...counts].filter(([, count]) => count > 1).map(([body]) => body),
  };
}

/** Resolves when all that was acknowledged has come to the worker, or throws with what has not. */
export async function allCame(
  devices: Fleet,
  worker: Worker,
  ms = 60_000,
): Promise<ReturnType<typeof account>> {
  await devices.done;
  await until(
    () => account(devices, worker).lost.length,
    (lost) => lost === 0,
    ms,
  );
  return account(devices, worker);
}

/** Devices and messages of the scenarios with many: few, unless the full ones are asked for. */
export const FLEET = {
  devices: Number(process.env.MESH_TEST_DEVICES ?? 100),
  messages: Number(process.env.MESH_TEST_MESSAGES ?? 3_000),
};
