import { afterEach, describe, expect, it } from '@jest/globals';
import { connect as natsClient } from '@nats-io/transport-node';
import { type ControlPath, callSubject, type Route } from '#contracts';
import { readOptions } from '../chaos/options.ts';
import { publishHandler } from '../chaos/publish.ts';
import { PATH } from '../chaos/services.ts';
import { startWorld, type World } from '../chaos/world.ts';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, executor, ingress } from './fixtures/mesh.js';
import { between, pickFrom, randomFrom } from './fixtures/random.js';
import { type TcpProxy, tcpProxy } from './fixtures/tcp-proxy.js';

/* nats-server goes and comes back, or connections to it break: everybody finds the way back without help. */

afterEach(closeAll);

const READY_WITHIN_MS = 5_000;

async function world(): Promise<World> {
  const running = await startWorld(readOptions(['--broker', 'nats'], false), () => undefined);
  later(() => running.stop());
  return running;
}

/** What each service says of itself: `{ 'executor-1': 200, … }`. */
async function readiness({ services }: World): Promise<Record<string, number>> {
  const asked = [...services.urls].map(async ([name, url]) => {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    return [name, answer?.status ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}
const allAre = (wanted: number) => (statuses: Record<string, number>) =>
  Object.values(statuses).every((status) => status === wanted);

describe('after nats-server was killed and started again', () => {
  it('every service is ready within five seconds, by itself, and calls go through', async () => {
    const running = await world();
    await publishHandler(running.services);
    const [url] = running.services.httpUrls;
    const call = () =>
      fetch(`${url}/${PATH}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id: '1', behaviour: 'refuse' }),
      });
    await until(
      async () => (await call()).status,
      (status) => status === 400,
    );
    const nats = running.servers.units.find(({ name }) => name === 'nats') as World['units'][number];
    for (let round = 1; round <= 3; round++) {
      const back = nats.kill(5_000);
      await until(() => readiness(running), allAre(503), 10_000);
      await back;
      await until(() => readiness(running), allAre(200), READY_WITHIN_MS);
      expect((await call()).status).toBe(400);
    }
  }, 90_000);
});

const CHANGES = 200;
const PATHS = Array.from({ length: 12 }, (_, n) => `stale/p${n}` as ControlPath);
/** Sooner than the feeds' periodic look at the bucket repairs what is missed from now on: it takes five seconds at the least. */
const RIGHT_WITHIN_MS = 4_500;

/** Changes routes as the registry does; each version answers with its own number. */
class Changes {
  readonly last = new Map<ControlPath, Route | undefined>();
  readonly #of: Catalogue;
  #number = 0;

  constructor(of: Catalogue) {
    this.#of = of;
  }

  async publish(path: ControlPath): Promise<void> {
    const version = `1.0.${++this.#number}`;
    this.last.set(path, await this.#of.publish({ path, version }, `export default () => '${version}'`));
  }

  async remove(path: ControlPath): Promise<void> {
    await this.#of.store.remove(path);
    this.last.set(path, undefined);
  }

  /** What a caller of each path is to get: the version that is live last, or that there is none. */
  get expected(): string[] {
    return [...this.last].map(([path, route]) => `${path} ${route?.versions[0]?.version ?? '404'}`);
  }

  async answers(url: string): Promise<string[]> {
    const calls = [...this.last.keys()].map(async (path) => {
      const response = await fetch(`${url}/${path}`);
      const text = await response.text();
      return `${path} ${response.ok ? text : response.status}`;
    });
    return Promise.all(calls);
  }
}

/** What each executor says that it serves: `path revision`, sorted. */
async function served(of: Catalogue): Promise<string[]> {
  const client = await natsClient({ servers: of.nats.url });
  const infos: string[] = [];
  try {
    const options = { strategy: 'timer', maxWait: 250 } as const;
    for await (const message of await client.requestMany('$SRV.INFO.mesh-executor', '', options)) {
      const info = message.json<{ endpoints: { subject: string; metadata: { revision: string } }[] }>();
      infos.push(
        info.endpoints
          .map(({ subject, metadata }) => `${subject} ${metadata.revision}`)
          .sort()
          .join(),
      );
    }
  } finally {
    await client.close();
  }
  return infos;
}

describe('while connections to NATS are cut at random moments', () => {
  it.each([1, 2, 3])(
    `no route is stale after ${CHANGES} changes, seed %d`,
    async (seed) => {
      const random = randomFrom(seed);
      const of = await catalogue();
      const proxies: TcpProxy[] = [];
      const cable = async () => {
        const proxy = await tcpProxy(of.nats.port);
        proxies.push(proxy);
        return { MESH_NATS_URL: `nats://127.0.0.1:${proxy.port}` };
      };
      const changes = new Changes(of);
      for (const path of PATHS) await changes.publish(path);
      for (let n = 0; n < 2; n++) await executor(of, await cable());
      const ingresses = [await ingress(of, await cable()), await ingress(of, await cable())];

      for (let n = 0; n < CHANGES; n++) {
        const path = pickFrom(random, PATHS);
        if (between(random, 1, 6) === 1) await changes.remove(path);
        else await changes.publish(path);
        const proxy = pickFrom(random, proxies);
        const cut = between(random, 1, 5);
        if (cut === 1) proxy.cut();
        else if (cut === 2) proxy.cutNextAtHello();
        await new Promise((resolve) => setTimeout(resolve, between(random, 0, 20)));
      }
      // The worst moment: everybody is away while the last change happens.
      for (const proxy of proxies) proxy.cut();
      await changes.publish(pickFrom(random, PATHS));

      const routes = [...changes.last.values()].filter((route) => route !== undefined);
      const endpoints = routes
        .map(({ path, revision }) => `${callSubject(path)} ${revision}`)
        .sort()
        .join();
      await until(
        async () => ({
          answers: await Promise.all(ingresses.map(({ url }) => changes.answers(url))),
          // None there at all is an error of the client's; here it is an answer.
          served: await served(of).catch(() => []),
        }),
        (seen) =>
          JSON.stringify(seen) ===
          JSON.stringify({ answers: [changes.expected, changes.expected], served: [endpoints, endpoints] }),
        RIGHT_WITHIN_MS,
      );
    },
    60_000,
  );
});
