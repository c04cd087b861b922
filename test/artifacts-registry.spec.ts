import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { artifactSettings, openArtifactStore } from '#artifacts';
import { ARTIFACTS_BUCKET, readConfig } from '#contracts';
import { openObjectStore } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { awsServer, awsVariables, connectionAs } from './fixtures/artifact-stores.js';
import { closeAll as closeFixtures } from './fixtures/later.js';
import { artifactOf, closeAll, digestOf, get, publish, registry } from './registry.fixture.js';

/* The registry with its artifacts elsewhere than in a folder. */

let postgres: PostgresServer;
let nats: NatsServer;
let databases = 0;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterEach(async () => {
  await closeAll();
  await closeFixtures();
});
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function aRegistry(environment: Record<string, string>) {
  const database = await postgres.createDatabase(`artifacts_${++databases}`);
  const base = await registry({ database, nats, environment });
  await base.joined;
  return base;
}

const find = { path: 'users/find', version: '1.0.0' };

describe('a registry', () => {
  it('keeps artifacts in the object store of NATS, where an executor reads them', async () => {
    const variables = { MESH_ARTIFACTS_URL: `nats://${ARTIFACTS_BUCKET}` };
    const base = await aRegistry(variables);
    const artifact = await artifactOf(find);
    expect((await publish(base, 'users/find', artifact)).status).toBe(201);
    const executor = await connectionAs(nats, 'executor');
    const store = await openArtifactStore(readConfig('test', artifactSettings, variables), (bucket) =>
      openObjectStore(() => executor, bucket, { create: false }),
    );
    expect(Buffer.from((await store.get(`sha256:${digestOf(artifact)}`)) ?? []).equals(artifact)).toBe(true);
  });

  it('records nothing while S3 is away, and says so', async () => {
    const aws = await awsServer();
    await aws.createBucket('mesh');
    const base = await aRegistry({ ...awsVariables(aws), MESH_ARTIFACTS_URL: 's3://mesh' });
    expect((await publish(base, 'users/find', await artifactOf(find))).status).toBe(201);
    await aws.stop();
    const answer = await publish(base, 'users/find', await artifactOf({ ...find, version: '2.0.0' }));
    expect(answer).toMatchObject({
      status: 503,
      type: 'application/problem+json',
      body: { code: 'store-unavailable', fault: 'mesh', retry: 'later' },
    });
    const { items } = (await get(base, '/v1/handlers/users%2Ffind/versions')).body;
    expect(items.map(({ version }: { version: string }) => version)).toEqual(['1.0.0']);
  });
});
