import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, type Mesh, mesh } from './fixtures/mesh.js';
import { streams } from './http-async.fixture.js';

/*
 * More than a handler may take at once: some wait, the others are told at once to come back, the neighbours notice
 * nothing, and work, for which nobody waits, is patient.
 */
afterEach(closeAll);

const LIMITS = { concurrency: 10, queue: 10 };
const CROWD = 400;
/** Remembers how many of it ran at once at the most. It serves 20 a second: a crowd comes faster, on any machine. */
const SLOW = `
let [now, most, all] = [0, 0, 0];
export default async (event) => {
  if (event.query.most) return { most, all };
  most = Math.max(most, ++now);
  all++;
  await new Promise((resolve) => setTimeout(resolve, 500));
  now--;
  return 'done';
};`;

const scene = (isolation: string): Promise<Mesh> =>
  mesh(
    async (of: Catalogue) => {
      await streams(of);
      await of.publish({ path: 'slow', version: '1.0.0', limits: LIMITS }, SLOW);
      await of.publish({ path: 'quick', version: '1.0.0' }, 'export default () => "quick"');
    },
    { MESH_ISOLATION: isolation },
    { open: true },
  );

const seenBy = async ({ url }: Mesh) =>
  (await (await fetch(`${url}/slow?most=1`)).json()) as { most: number; all: number };

describe.each(['inline', 'thread'])('in isolation %s', (isolation) => {
  it('a crowd gets answers or 429, never more run than may, and the neighbour answers everyone', async () => {
    const of = await scene(isolation);
    await fetch(`${of.url}/slow`);
    const crowd = Promise.all(Array.from({ length: CROWD }, () => fetch(`${of.url}/slow`)));
    const neighbours = Promise.all(Array.from({ length: 100 }, () => fetch(`${of.url}/quick`)));
    const answers = await crowd;
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect(count(200)).toBeGreaterThanOrEqual(LIMITS.concurrency + LIMITS.queue);
    expect(count(200) + count(429)).toBe(CROWD);
    expect(count(429)).toBeGreaterThan(0);
    for (const refused of answers.filter(({ status }) => status === 429)) {
      // A second before it is known how fast the queue moves, then what that says.
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      expect(await refused.json()).toMatchObject({ code: 'too-busy', retry: 'later' });
    }
    expect((await neighbours).every(({ status }) => status === 200)).toBe(true);
    expect((await seenBy(of)).most).toBe(LIMITS.concurrency);
    expect((await fetch(`${of.url}/slow`)).status).toBe(200);
  });

  it('work waits for its turn, all of it', async () => {
    const of = await scene(isolation);
    const accepted = await Promise.all(
      Array.from({ length: 60 }, () => fetch(`${of.url}/slow`, { headers: { prefer: 'respond-async' } })),
    );
    expect(accepted.every(({ status }) => status === 202)).toBe(true);
    const { most } = await until(
      () => seenBy(of),
      ({ all }) => all === 60,
    );
    expect(most).toBeLessThanOrEqual(LIMITS.concurrency);
  });
});
