import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ControlPath,
  cronSubject,
  encodeHeaders,
  scheduleSubject,
  WORK_STREAM,
  workSubject,
} from '#contracts';
import { createStreamWriter, openStreamStock } from '#fabric';
import { StuckSchedules } from '../apps/registry/src/work/stuck-schedules.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, catalogue, connectAs, ingress } from './fixtures/mesh.js';
import { streams, Worker } from './http-async.fixture.js';

/* Work that becomes due while there is no room for it is late, not lost: the server alone would never look at it again. */

afterEach(closeAll);

const PATH = 'users/find' as ControlPath;
const NOTHING = new Uint8Array(0);
const LONG = 60_000;

async function world() {
  const of = await catalogue({ open: true });
  await streams(of, { workMaxPerPath: 1 });
  const connection = await connectAs(of.nats, 'registry');
  const stock = openStreamStock(connection, WORK_STREAM);
  const writer = createStreamWriter(connection);
  const stuck = new StuckSchedules();
  /** @param later ms from now */
  const look = (later = 0) => stuck.look(stock, writer, 1, Date.now() + later);
  const fill = () => writer.write(workSubject(PATH), encodeHeaders({ 'mesh-id': 'first' }), NOTHING);
  return { of, stock, writer, look, fill };
}

const drained = async (of: Catalogue) => {
  const worker = await Worker.on(of);
  await until(
    () => worker.seen.length,
    (length) => length === 1,
  );
  return worker;
};

describe('a schedule that found no room', () => {
  it('for later is carried out once there is some, and once', async () => {
    const { of, stock, look } = await world();
    await of.publish({ path: PATH, version: '1.0.0' }, 'export default () => null');
    const { url } = await ingress(of);
    const post = async (headers: Record<string, string>, body: string) => {
      const response = await fetch(`${url}/${PATH}`, {
        method: 'POST',
        headers: { prefer: 'respond-async', ...headers },
        body,
      });
      return ((await response.json()) as { id: string; startsAt: string }) ?? {};
    };
    await post({}, 'first');
    const { id, startsAt } = await post({ 'mesh-delay': '0.3', 'idempotency-key': 'k' }, 'second');
    await until(
      () => Date.now() - Date.parse(startsAt),
      (late) => late > 1_000,
    );
    expect(await look(LONG)).toBe(0);
    const worker = await drained(of);
    expect(await look()).toBe(0);
    expect(await stock.next(scheduleSubject(id), 1)).toBeDefined();
    expect(await look(LONG)).toBe(1);
    await until(
      () => worker.seen.map(({ body }) => body),
      (bodies) => bodies.length === 2,
    );
    expect(worker.seen[1]).toMatchObject({ body: 'second', work: { id, keep: true } });
    expect(await stock.next(scheduleSubject(id), 1)).toBeUndefined();
    expect(await look(LONG)).toBe(0);
  });

  it('of a cron trigger goes on', async () => {
    const { of, writer, look, fill } = await world();
    await fill();
    const headers = encodeHeaders({
      'Nats-Schedule': '* * * * * *',
      'Nats-Schedule-Target': workSubject(PATH),
    });
    const { seq } = await writer.write(cronSubject(PATH, '0'), headers, NOTHING);
    const written = performance.now();
    expect(await look()).toBe(0);
    // A full second has passed: the server has tried in vain, and does not try again.
    await until(
      () => performance.now() - written,
      (ms) => ms > 1_200,
    );
    const stock = openStreamStock(await connectAs(of.nats, 'registry'), WORK_STREAM);
    await stock.purge(workSubject(PATH));
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    expect((await stock.next(cronSubject(PATH, '0'), 1))?.seq).toBeGreaterThan(seq);
    await until(
      () => stock.next(workSubject(PATH), 1),
      (message) => message?.headers['nats-scheduler'] === cronSubject(PATH, '0'),
    );
  });
});
