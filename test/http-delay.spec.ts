import { afterEach, describe, expect, it } from '@jest/globals';
import { WORK_STREAM } from '#contracts';
import { openStreamStock } from '#fabric';
import { closeAll, until } from './fixtures/later.js';
import { catalogue, connectAs, ingress } from './fixtures/mesh.js';
import { streams, Worker } from './http-async.fixture.js';

/* Work for later: JetStream's own scheduler holds it, so that no service need be there when it is accepted or due. */

afterEach(closeAll);

async function world() {
  const of = await catalogue({ open: true });
  await streams(of);
  await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
  const { url, stop } = await ingress(of);
  const post = (headers: Record<string, string>) =>
    fetch(`${url}/users/find`, {
      method: 'POST',
      headers: { prefer: 'respond-async', 'content-type': 'text/plain', ...headers },
      body: 'body',
    });
  const accepted = async (headers: Record<string, string>) => {
    const response = await post(headers);
    expect(response.status).toBe(202);
    return response.json() as Promise<{ id: string; location: string; startsAt: string; expires: string }>;
  };
  return { of, url, stop, post, accepted };
}

const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('delayed work', () => {
  it('runs when its time has come, whole, and not before', async () => {
    const { of, accepted, stop } = await world();
    const worker = await Worker.on(of);
    const byDelay = await accepted({ 'mesh-delay': '1' });
    const byTime = await accepted({ 'mesh-at': soon(700) });
    const now = await accepted({});
    const past = await accepted({ 'mesh-at': '2020-01-01T00:00:00Z' });
    // Whoever accepted it is not needed any more.
    await stop();
    await until(
      () => worker.seen.length,
      (length) => length === 4,
    );
    const runOf = ({ id }: { id: string }) => worker.seen.find(({ work }) => work.id === id);
    expect(runOf(byDelay)?.at).toBeGreaterThanOrEqual(Date.parse(byDelay.startsAt));
    expect(runOf(byTime)?.at).toBeGreaterThanOrEqual(Date.parse(byTime.startsAt));
    expect([runOf(now)?.body, runOf(past)?.body]).toEqual(['body', 'body']);
    expect(runOf(byDelay)).toMatchObject({
      path: 'users/find',
      body: 'body',
      headers: { 'ce-id': byDelay.id, 'ce-specversion': '1.0', 'ce-datacontenttype': 'text/plain' },
      work: { keep: true },
    });
  });

  it('is remembered beyond its start, and can be cancelled until then', async () => {
    const { of, url, accepted, post } = await world();
    const worker = await Worker.on(of);
    const far = await accepted({ 'mesh-delay': String(300 * 86_400) });
    expect(Date.parse(far.expires) - Date.parse(far.startsAt)).toBe(86_400_000);
    const near = await accepted({ 'mesh-delay': '3' });
    const after = await accepted({ 'mesh-at': soon(3_500) });
    for (const { location } of [far, near])
      expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(200);
    await until(
      () => worker.seen.length,
      (length) => length > 0,
    );
    expect(worker.seen.map(({ work }) => work.id)).toEqual([after.id]);
    const state = (await (await fetch(url + far.location)).json()) as { status: string; expires: string };
    expect(state).toMatchObject({ status: 'cancelled', expires: far.expires });
    // Nothing of it takes up room for the next 300 days.
    const stock = openStreamStock(await connectAs(of.nats, 'registry'), WORK_STREAM);
    await until(
      () => stock.state(),
      ({ messages }) => messages === 0,
    );
    expect((await post({ 'mesh-delay': String(400 * 86_400) })).status).toBe(400);
    expect((await post({ 'mesh-delay': '1', 'mesh-at': soon(1_000) })).status).toBe(400);
  });

  it('with a key is due when the first request said', async () => {
    const { of, accepted } = await world();
    const worker = await Worker.on(of);
    const key = { 'idempotency-key': 'k', 'mesh-delay': '1' };
    const [first, second] = [await accepted(key), await accepted(key)];
    expect(second).toEqual(first);
    const later = await accepted({ 'mesh-delay': '2' });
    await until(
      () => worker.seen.length,
      (length) => length === 2,
    );
    expect(worker.seen.map(({ work }) => work.id)).toEqual([first.id, later.id]);
  });
});
