import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { between, pickFrom, randomFrom } from './fixtures/random.js';
import { artifactOf, closeAll, get, publish, registry } from './registry.fixture.js';

/*
 * A thousand uploads, each a valid artifact that was damaged: in its gzip, in the tar inside, or cut off. The seed is
 * fixed, so a failure comes again.
 */

const UPLOADS = 1_000;
const AT_ONCE = 8;

let postgres: PostgresServer;
let nats: NatsServer;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterAll(async () => {
  await closeAll();
  await Promise.all([postgres.stop(), nats.stop()]);
});

type Random = () => number;
type Damage = (artifact: Buffer, random: Random) => Buffer;

const flip: Damage = (bytes, random) => {
  const damaged = Buffer.from(bytes);
  for (let i = between(random, 1, 8); i > 0; i--)
    damaged[between(random, 0, damaged.length - 1)] = between(random, 0, 255);
  return damaged;
};
const cut: Damage = (bytes, random) => bytes.subarray(0, between(random, 0, bytes.length - 1));
const append: Damage = (bytes, random) =>
  Buffer.concat([bytes, Buffer.from(Array.from({ length: 600 }, () => between(random, 0, 255)))]);
const inside =
  (damage: Damage): Damage =>
  (bytes, random) =>
    gzipSync(damage(gunzipSync(bytes), random));
/** In the first header of the tar: name, mode, size, checksum, type, link. */
const header: Damage = (bytes, random) => {
  const damaged = Buffer.from(bytes);
  damaged[between(random, 0, 511)] = between(random, 0, 255);
  return damaged;
};
const DAMAGES: readonly Damage[] = [flip, cut, append, inside(flip), inside(cut), inside(header)];

describe('a thousand damaged uploads', () => {
  it('are each refused with a reason, or are the artifact that they say they are; nothing is left behind', async () => {
    const base = await registry({ database: await postgres.createDatabase('fuzz'), nats });
    await base.joined;
    const random = randomFrom(7);
    const refusals = new Map<string, number>();
    const taken: string[] = [];
    const upload = async (number: number) => {
      const path = `fuzz/upload-${number}`;
      const whole = await artifactOf({ path, version: '1.0.0' });
      const answer = await publish(base, path, pickFrom(random, DAMAGES)(whole, random));
      if (answer.status < 300) taken.push(path);
      else {
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(answer.type).toBe('application/problem+json');
        expect(answer.body.detail).toMatch(/\S/);
        refusals.set(answer.body.code, (refusals.get(answer.body.code) ?? 0) + 1);
      }
    };
    for (let i = 0; i < UPLOADS; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => upload(i + k)));

    const refused = [...refusals.values()].reduce((sum, count) => sum + count, 0);
    expect(refused + taken.length).toBe(UPLOADS);
    // Damage in padding, or after the end, changes nothing that is read; everything else is found.
    expect(refused).toBeGreaterThan(UPLOADS / 2);
    expect((await get(base, '/v1/handlers?limit=1000')).body.items).toHaveLength(taken.length);
    expect(await filesBelow(base.artifacts)).toBe(taken.length);
    expect((await get(base, '/health/ready')).status).toBe(200);
  }, 120_000);
});

async function filesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && join(entry.parentPath, entry.name).endsWith('.tgz'))
    .length;
}
