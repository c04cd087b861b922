import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ArtifactStore, FileBlobs } from '#artifacts';
import { logger } from '#lifecycle';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { OrphanSweep } from '../apps/registry/src/artifacts/orphan-sweep.js';
import type { Catalogue } from '../apps/registry/src/catalogue/catalogue.js';
import { openCatalogue } from '../apps/registry/src/catalogue/open.js';
import { artifactOf, closeAll, digestOf, later, publish, registry } from './registry.fixture.js';

/* Artifacts that were stored and never recorded, beside a real catalogue. */

let postgres: PostgresServer;
let nats: NatsServer;
let databases = 0;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterEach(closeAll);
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function world() {
  const database = await postgres.createDatabase(`sweep_${++databases}`);
  const base = await registry({ database, nats });
  await base.joined;
  const log = logger('test');
  const catalogue: Catalogue = await openCatalogue({ url: database, waitMs: 1_000, log });
  later(() => catalogue.close().catch(() => undefined));
  const store = new ArtifactStore(new FileBlobs(base.artifacts));
  const sweep = new OrphanSweep(store, catalogue.artifacts, log);
  return { base, catalogue, store, sweep };
}

const HOUR_AGO = () => new Date(Date.now() - 3_600_000);
const LONG_AGO = new Date(Date.now() - 100 * 3_600_000);
const fileOf = (artifacts: string, hex: string) => join(artifacts, 'sha256', `${hex}.tgz`);

describe('the sweep of orphans', () => {
  it('removes what is old and in no version, and nothing else', async () => {
    const { base, store, sweep } = await world();
    const [named, old, young] = (await Promise.all(
      ['named', 'old', 'young'].map((path) => artifactOf({ path, version: '1.0.0' })),
    )) as [Buffer, Buffer, Buffer];
    await publish(base, 'named', named);
    for (const bytes of [old, young]) await store.put(`sha256:${digestOf(bytes)}`, bytes);
    for (const bytes of [named, old]) utimesSync(fileOf(base.artifacts, digestOf(bytes)), LONG_AGO, LONG_AGO);
    const part = join(base.artifacts, 'sha256', '.x.part');
    writeFileSync(part, 'half');
    utimesSync(part, LONG_AGO, LONG_AGO);
    expect(await sweep.sweep(HOUR_AGO())).toBe(1);
    expect(readdirSync(join(base.artifacts, 'sha256')).sort()).toEqual(
      [named, young].map((bytes) => `${digestOf(bytes)}.tgz`).sort(),
    );
    expect(await sweep.sweep(HOUR_AGO())).toBe(0);
  });

  it('leaves alone what is stored again while it looks', async () => {
    const { base, catalogue, store } = await world();
    const bytes = await artifactOf({ path: 'again', version: '1.0.0' });
    const digest = `sha256:${digestOf(bytes)}`;
    await store.put(digest, bytes);
    utimesSync(fileOf(base.artifacts, digestOf(bytes)), LONG_AGO, LONG_AGO);
    const { artifacts } = catalogue;
    const slow = {
      unnamed: async (digests: readonly string[]) => {
        await store.put(digest, bytes);
        return artifacts.unnamed(digests);
      },
      whileUnnamed: artifacts.whileUnnamed.bind(artifacts),
    };
    expect(await new OrphanSweep(store, slow, logger('test')).sweep(HOUR_AGO())).toBe(0);
    expect(await store.has(digest)).toBe(true);
  });

  it('removes nothing while the catalogue is away', async () => {
    const { base, catalogue, store, sweep } = await world();
    const bytes = await artifactOf({ path: 'old', version: '1.0.0' });
    await store.put(`sha256:${digestOf(bytes)}`, bytes);
    utimesSync(fileOf(base.artifacts, digestOf(bytes)), LONG_AGO, LONG_AGO);
    await catalogue.close();
    await expect(sweep.sweep(HOUR_AGO())).rejects.toThrow();
    expect(readdirSync(join(base.artifacts, 'sha256'))).toHaveLength(1);
  });

  it('never takes an artifact from a version that is just being published, also one that was an orphan', async () => {
    const { base, store, sweep } = await world();
    for (let n = 0; n < 25; n++) {
      const bytes = await artifactOf({ path: 'again', version: `1.0.${n}` }, `export default () => ${n};`);
      await store.put(`sha256:${digestOf(bytes)}`, bytes);
      utimesSync(fileOf(base.artifacts, digestOf(bytes)), LONG_AGO, LONG_AGO);
      const [answer] = await Promise.all([publish(base, 'again', bytes), sweep.sweep(HOUR_AGO())]);
      expect(answer.status).toBe(201);
      expect(await store.has(`sha256:${digestOf(bytes)}`)).toBe(true);
    }
  });

  it('is the same for many artifacts', async () => {
    const { base, store, sweep } = await world();
    const digests = Array.from({ length: 1_201 }, (_, n) => n.toString(16).padStart(64, '0'));
    await store.put(`sha256:${digests[0]}`, Buffer.from('x'));
    for (const hex of digests) {
      writeFileSync(fileOf(base.artifacts, hex), 'x');
      utimesSync(fileOf(base.artifacts, hex), LONG_AGO, LONG_AGO);
    }
    expect(await sweep.sweep(HOUR_AGO())).toBe(1_201);
    expect(readdirSync(join(base.artifacts, 'sha256'))).toEqual([]);
  });
});
