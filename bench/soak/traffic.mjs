import { fileURLToPath } from 'node:url';
import { Generator } from '../load/generator.mjs';
import { ask, until } from '../work/facts.mjs';
import { MIX, PER_SECOND } from './handlers.mjs';

const DEVICES = fileURLToPath(new URL('./devices-process.mjs', import.meta.url));
/**
 * So many that those which wait for 20 ms do not keep a processor idle. A share of what is to be had over so many is a share
 * of nothing over others: with thousands a request costs twice as much (ADR 58), so that each kind of request has as many, and
 * waits for one in the generator.
 */
const CONNECTIONS = 128;
const CAPACITY = { connections: CONNECTIONS, seconds: 10 };
const LOOK_MS = 100;
const PIECE_SECONDS = 10;
const ASYNC = { prefer: 'respond-async' };

/** Devices and queues that publish from now on. @returns what asks how many were sent */
export async function startDevices(world) {
  const child = world.children.start('devices', DEVICES, {});
  await child.untilReady();
  const { queue, aws, nats } = world;
  const { endpoint, region, credentials } = aws;
  await ask(child, {
    mqtt: { url: nats.mqttUrl, perSecond: PER_SECOND.mqtt },
    sqs: { queue, endpoint, region, credentials, perSecond: PER_SECOND.sqs },
  });
  return () => ask(child, {});
}

/** HTTP at a share of what this machine can do, until what ran is on record too; measured first. */
export class HttpTraffic {
  #statuses = new Map();

  static async start(world, { share, rate }, signal) {
    const generator = await Generator.start(world.children);
    // The first one warms up.
    await sustained(world, generator, signal);
    const capacity = await sustained(world, generator, signal);
    return new HttpTraffic(world, generator, capacity, rate ?? capacity * share);
  }

  constructor(world, generator, capacity, perSecond) {
    this.generator = generator;
    this.capacity = capacity;
    this.perSecond = perSecond;
    this.loads = [
      ...mixOf(world).map(({ url, share }) => ({
        url,
        perSecond: perSecond * share,
        connections: CONNECTIONS,
      })),
      { url: `${world.http}/soak/works`, headers: ASYNC, perSecond: PER_SECOND.async },
    ];
  }

  /** @returns {Promise<Map<string, number>>} answers by status, 0: none */
  async run(seconds, signal) {
    const end = performance.now() + seconds * 1_000;
    while (performance.now() < end) {
      signal.throwIfAborted();
      const piece = this.loads.map((load) => ({ ...load, seconds: PIECE_SECONDS }));
      for (const { latencies } of await this.generator.run(...piece))
        for (const [status, all] of Object.entries(latencies))
          this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + all.length);
    }
    return this.#statuses;
  }
}

const mixOf = ({ http }) => MIX.map(({ path, share }) => ({ url: `${http}/${path}?n=1`, share }));

/** Answers a second of the same mix, over the time until the registry has the records of all of them. */
async function sustained(world, generator, signal) {
  const from = performance.now();
  const perSecond = await generator.capacity(mixOf(world), CAPACITY);
  await until('all is on record', async () => (await world.unrecorded()) === 0, signal, LOOK_MS);
  return (perSecond * CAPACITY.seconds * 1_000) / (performance.now() - from);
}
