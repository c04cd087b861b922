import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startNats } from '#servers';
import { closeAll, later, until } from './fixtures/later.js';
import { catalogue, ingress } from './fixtures/mesh.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';
import { streams, Worker } from './http-async.fixture.js';
import { freePort } from './ingress.fixture.js';

/* NATS goes away, or its connections do, while calls are accepted and wait. */

afterEach(closeAll);

const CALLS = 300;
const CUTS = 12;

interface View {
  readonly id: string;
  readonly location: string;
}

/** Sends a request with a key until it is accepted, as a client should that does not know. */
async function insist(url: string, key: string): Promise<View> {
  const headers = { prefer: 'respond-async', 'idempotency-key': key };
  const response = await until(
    () => fetch(`${url}/users/find`, { method: 'POST', headers, body: key }),
    ({ status }) => status === 202,
    60_000,
  );
  return (await response.json()) as View;
}

describe('an asynchronous call', () => {
  it('is accepted once, however often its ingress loses the connection', async () => {
    const of = await catalogue({ open: true });
    await streams(of);
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
    const proxy = await tcpProxy(of.nats.port);
    const { url } = await ingress(of, { MESH_NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    const worker = await Worker.on(of);
    const views: View[] = [];
    const all = Promise.all(
      Array.from({ length: CALLS }, async (_, i) => void views.push(await insist(url, `order-${i}`))),
    );
    for (let cut = 1; cut <= CUTS; cut++) {
      await until(
        () => views.length,
        (length) => length >= Math.min(CALLS, cut * 5),
        60_000,
      );
      proxy.cut();
    }
    await all;
    await until(
      () => worker.seen.length,
      (length) => length >= CALLS,
    );
    const last = await insist(url, 'last');
    await until(
      () => worker.seen.some(({ work }) => work.id === last.id),
      (isThere) => isThere,
    );
    expect(worker.seen.map(({ body }) => body).sort()).toEqual(
      [...Array.from({ length: CALLS }, (_, i) => `order-${i}`), 'last'].sort(),
    );
  });

  it('that was accepted while its ingress stopped is kept, and no other is', async () => {
    const of = await catalogue({ open: true });
    const keep = await streams(of);
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
    const { url, stop } = await ingress(of);
    const views: View[] = [];
    const client = async () => {
      for (;;) {
        const response = await fetch(`${url}/users/find`, { headers: { prefer: 'respond-async' } }).catch(
          () => undefined,
        );
        if (!response) return;
        expect(response.status).toBe(202);
        views.push((await response.json()) as View);
      }
    };
    const clients = Promise.all(Array.from({ length: 32 }, client));
    await until(
      () => views.length,
      (length) => length > 200,
    );
    await stop();
    await clients;
    for (const { id } of views) expect(await keep.get(id)).toBeDefined();
    const worker = await Worker.on(of);
    await until(
      () => worker.seen.length,
      (length) => length === views.length,
    );
    expect(worker.seen.map(({ work }) => work.id).sort()).toEqual(views.map(({ id }) => id).sort());
  });

  it('that waits, for its time or for an executor, survives nats-server being killed', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-nats-'));
    later(() => rmSync(dataDir, { recursive: true, force: true }));
    const port = await freePort();
    const of = await catalogue({ open: true, dataDir, port });
    await streams(of);
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
    const { url } = await ingress(of);
    const post = async (headers: Record<string, string>) =>
      (await (
        await fetch(`${url}/users/find`, { headers: { prefer: 'respond-async', ...headers } })
      ).json()) as View & { startsAt: string };
    const due = await post({ 'mesh-delay': '0.5' });
    const far = await post({ 'mesh-delay': '2.5' });
    const now = await post({});
    process.kill(of.nats.pid, 'SIGKILL');
    await of.nats.exited;
    await until(
      () => Date.now(),
      (time) => time > Date.parse(due.startsAt),
    );
    const again = await startNats({ open: true, dataDir, port });
    later(() => again.stop());
    const worker = await Worker.on({ ...of, nats: again });
    for (const { location } of [now, due, far]) {
      const state = await until(
        async () =>
          (await (await fetch(url + location, { headers: { prefer: 'wait=10' } })).json()) as {
            status: string | number;
          },
        ({ status }) => typeof status === 'string',
      );
      expect(state).toMatchObject({ status: 'done' });
    }
    expect(worker.seen.map(({ work }) => work.id).sort()).toEqual([due.id, far.id, now.id].sort());
    expect(worker.seen.find(({ work }) => work.id === far.id)?.at).toBeGreaterThanOrEqual(
      Date.parse(far.startsAt),
    );
  });
});
