import { afterEach, describe, expect, it } from '@jest/globals';
import { faultProxy } from './fixtures/fault-proxy.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, catalogue } from './fixtures/mesh.js';
import { ingressProcess } from './fixtures/processes.js';
import { streams, Worker } from './http-async.fixture.js';

/* The ingress is killed at the worst moments of accepting: who sends the request again loses nothing and runs nothing twice. */

afterEach(closeAll);

const KEY = { prefer: 'respond-async', 'idempotency-key': 'order-7' };
const post = (url: string) => fetch(`${url}/users/find`, { method: 'POST', headers: KEY, body: 'body' });

/** An ingress whose connection to NATS is held up where it sends `marker`, and which is killed there. */
async function killedAt(of: Catalogue, marker: string, hold: 'request' | 'answer'): Promise<void> {
  const proxy = await faultProxy(of.nats.port, marker, hold);
  const url = `nats://127.0.0.1:${proxy.port}`;
  const first = await ingressProcess({ ...of, nats: { ...of.nats, url } });
  const unanswered = expect(post(first.url)).rejects.toThrow();
  await proxy.reached;
  await first.service.end('SIGKILL');
  await unanswered;
}

describe('an ingress that is killed while it accepts', () => {
  it.each<[string, string, 'request' | 'answer', number]>([
    ['before the claim', '$KV.mesh_results.', 'request', 0],
    ['between claim and work', 'PUB mesh.work.', 'request', 0],
    ['between work and 202', 'PUB mesh.work.', 'answer', 1],
  ])('%s', async (_, marker, hold, runBefore) => {
    const of = await catalogue({ open: true });
    await streams(of);
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
    await killedAt(of, marker, hold);

    const worker = await Worker.on(of);
    await until(
      () => worker.seen.length,
      (length) => length === runBefore,
    );
    const second = await ingressProcess(of);
    const answers = await Promise.all([post(second.url), post(second.url)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    const location = answers[0]?.headers.get('location');
    expect(answers[1]?.headers.get('location')).toBe(location);
    const done = await fetch(`${second.url}${location}`, { headers: { prefer: 'wait=20' } });
    expect(await done.json()).toMatchObject({ status: 'done', path: 'users/find' });
    expect(worker.seen.map(({ body }) => body)).toEqual(['body']);
  });
});
