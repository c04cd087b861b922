import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { isErrorCode } from '#contracts';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { between, pickFrom, randomFrom } from './fixtures/random.js';
import { artifactOf, closeAll, get, publish, registry } from './registry.fixture.js';

/* Artifacts that were damaged in every way at random: each is refused with a reason, or is one. */

let postgres: PostgresServer;
let nats: NatsServer;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterEach(closeAll);
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop()]);
});

type Random = () => number;
const flip = (random: Random, bytes: Buffer): Buffer => {
  const changed = Buffer.from(bytes);
  for (let n = between(random, 1, 4); n > 0; n--)
    changed[between(random, 0, changed.length - 1)] = between(random, 0, 255);
  return changed;
};
const cut = (random: Random, bytes: Buffer) => bytes.subarray(0, between(random, 0, bytes.length - 1));
const insert = (random: Random, bytes: Buffer) => {
  const at = between(random, 0, bytes.length);
  const more = Buffer.from(Array.from({ length: between(random, 1, 600) }, () => between(random, 0, 255)));
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
};
const swap = (random: Random, bytes: Buffer) => {
  const at = between(random, 0, bytes.length);
  return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
};
const HARMS = [flip, cut, insert, swap];

/** Harmed as it lies on the disk, or inside: a tar that was harmed and then packed well. */
function harmed(random: Random, artifact: Buffer): Buffer {
  const harm = pickFrom(random, HARMS);
  return random() < 0.4 ? harm(random, artifact) : gzipSync(harm(random, gunzipSync(artifact)));
}

describe('1,000 artifacts that were damaged at random', () => {
  it('are refused with a reason, or are artifacts; what was refused leaves nothing behind', async () => {
    const random = randomFrom(20_261_121);
    const base = await registry({ database: await postgres.createDatabase('fuzz'), nats });
    await base.joined;
    const artifact = await artifactOf({
      path: 'users/find',
      version: '1.0.0',
      description: 'Finds a user.',
      triggers: [{ http: { method: 'GET', path: '/users/{id}' } }],
      meta: { owner: 'crm' },
    });
    const outcomes = new Map<string, number>();
    for (let n = 0; n < 1_000; n++) {
      const { status, type, body } = await publish(base, 'users/find', harmed(random, artifact));
      const outcome = status < 300 ? 'taken' : body.code;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (status < 300) continue;
      expect([n, status >= 400 && status < 500, type]).toEqual([n, true, 'application/problem+json']);
      expect(isErrorCode(body.code)).toBe(true);
      expect(body.detail).toMatch(/\S{3}/);
    }
    expect(outcomes.get('bad-artifact')).toBeGreaterThan(500);
    const versions = (await get(base, '/v1/handlers/users%2Ffind/versions?limit=1000')).body.items ?? [];
    const named = versions.map(({ digest }: { digest: string }) => `${digest.slice(7)}.tgz`);
    expect(readdirSync(join(base.artifacts, 'sha256')).sort()).toEqual(named.sort());
  }, 120_000);
});
