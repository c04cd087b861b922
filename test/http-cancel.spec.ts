import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { AUDIT_STREAM, unpackInvocations } from '#contracts';
import { openAuditReader } from '#fabric';
import { plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, connectAs, type Mesh, mesh } from './fixtures/mesh.js';
import { streams } from './http-async.fixture.js';

/*
 * Whoever went away, or gave up, ends the run: the handler's signal aborts with the reason, and its record says 499.
 * The handler remembers what it saw, and tells who asks.
 */
afterEach(closeAll);

const LONG = `
const seen = [];
export default async (event, context) => {
  if (event.query.ask) return seen;
  seen.push('began');
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
  seen.push(String(context.signal.reason?.message ?? context.signal.reason));
};`;

async function scene(isolation: string): Promise<Mesh> {
  const prepare = async (of: Catalogue) => {
    await streams(of);
    await openAuditReader(await connectAs(of.nats, 'registry'));
    await of.publish({ path: 'long', version: '1.0.0' }, LONG);
  };
  // It heeds its signal: where it gets no processor for long, it is not for that taken for blocked.
  return mesh(prepare, { MESH_ISOLATION: isolation, MESH_GRACE: '2000' }, { open: true });
}

const seenBy = async ({ url }: Mesh): Promise<string[]> =>
  (await (await fetch(`${url}/long?ask=1`)).json()) as string[];

/** Outcome and status of each record, as executors sent them. */
async function records({ nats }: Mesh): Promise<string[]> {
  const manager = await jetstreamManager(await plainClient(nats));
  const { state } = await manager.streams.info(AUDIT_STREAM);
  const found: string[] = [];
  for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(AUDIT_STREAM, { seq });
    for (const record of unpackInvocations(message?.string() ?? '').records)
      found.push(`${record.outcome} ${record.status}`);
  }
  return found;
}

describe.each(['inline', 'thread', 'process'])('in isolation %s', (isolation) => {
  it('a client that goes away ends its run, and no other', async () => {
    const of = await scene(isolation);
    const leave = new AbortController();
    const staying = fetch(`${of.url}/long?a=1`, { signal: leave.signal }).catch(() => 'left');
    await until(
      () => seenBy(of),
      ({ length }) => length === 1,
    );
    const leaving = request(`${of.url}/long`).on('error', () => undefined);
    leaving.end();
    await until(
      () => seenBy(of),
      ({ length }) => length === 2,
    );
    leaving.destroy();
    await until(
      () => seenBy(of),
      (seen) => seen.includes('the caller went away'),
    );
    expect((await seenBy(of)).filter((text) => text !== 'began')).toEqual(['the caller went away']);
    await until(
      () => records(of),
      (all) => all.includes('client-gone 499'),
    );
    // So that the end need not wait for its deadline.
    leave.abort();
    expect(await staying).toBe('left');
  });

  it('DELETE of a call that runs ends it', async () => {
    const of = await scene(isolation);
    const accepted = await fetch(`${of.url}/long`, { headers: { prefer: 'respond-async' } });
    const location = of.url + (accepted.headers.get('location') as string);
    await until(
      () => seenBy(of),
      ({ length }) => length === 1,
    );
    expect((await fetch(location, { method: 'DELETE' })).status).toBeLessThan(300);
    await until(
      () => seenBy(of),
      (seen) => seen.includes('the call was cancelled'),
    );
    await until(
      () => records(of),
      (all) => all.includes('cancelled 499'),
    );
    expect(await (await fetch(location)).json()).toMatchObject({ status: 'cancelled' });
  });
});
