import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { type ArtifactStore, artifactSettings, openArtifactStore } from '#artifacts';
import { ARTIFACTS_BUCKET, type ManifestInput, manifest, type Route, readConfig } from '#contracts';
import { openObjectStore } from '#fabric';
import { digestOf } from '#packer/artifact';
import type { AwsServer } from '#servers';
import { artifactOf } from './fixtures/artifact.js';
import { awsServer, awsVariables, putObject, temporaryFolder } from './fixtures/artifact-stores.js';
import { plainClient } from './fixtures/fabric.js';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, connectAs, executor, served } from './fixtures/mesh.js';

/*
 * An executor and its artifacts, with routes from NATS and nothing else: no registry, no Postgres, and a store that
 * comes and goes.
 */

afterEach(closeAll);

const handlerOf = (path: string, version = '1.0.0'): ManifestInput => ({ path, version }) as ManifestInput;
const saying = (text: string) => `export default () => ({ said: ${JSON.stringify(text)} });\n`;

interface World {
  readonly of: Catalogue;
  readonly aws: AwsServer;
  readonly cache: string;
  readonly environment: Record<string, string>;
  /** Makes it live, with its artifact in S3. */
  publish(about: ManifestInput, code: string): Promise<Route>;
  call(path: string): Promise<{ code: string | undefined; body: string }>;
}

async function world(more: Record<string, string> = {}): Promise<World> {
  const [of, aws] = await Promise.all([catalogue(), awsServer()]);
  await aws.createBucket('mesh');
  const cache = temporaryFolder();
  const artifacts = { ...awsVariables(aws), MESH_ARTIFACTS_URL: 's3://mesh/artifacts' };
  const store = await openArtifactStore(readConfig('test', artifactSettings, artifacts), noNats);
  later(() => store.close());
  const client = await plainClient(of.nats);
  return {
    of,
    aws,
    cache,
    environment: { ...artifacts, MESH_CACHE_DIR: cache, ...more },
    publish: (about, code) => publishTo(store, of, about, code),
    call: (path) => call(client, path),
  };
}

const noNats = (): never => {
  throw new Error('not here');
};

let revision = 0;

/** The artifact first, as the registry has it: a route never names one that is not there. */
async function publishTo(
  store: ArtifactStore,
  of: Catalogue,
  about: ManifestInput,
  code: string,
): Promise<Route> {
  const artifact = await artifactOf(about, code);
  const digest = digestOf(artifact);
  await store.put(digest, artifact);
  const { path, ...version } = manifest.parse(about);
  const route: Route = {
    path,
    revision: ++revision,
    versions: [{ ...version, digest, weight: 100 }],
    aliases: {},
  };
  await of.store.put(route);
  return route;
}

const digestIn = ({ versions }: Route): string => versions[0]?.digest as string;

async function call(
  client: NatsConnection,
  path: string,
): Promise<{ code: string | undefined; body: string }> {
  const reply = await client.request(`mesh.call.${path}`, '{}', { timeout: 20_000 });
  return { code: reply.headers?.get('Nats-Service-Error')?.split(':')[0] || undefined, body: reply.string() };
}

const kept = (cache: string): string[] => readdirSync(join(cache, 'sha256')).map((name) => name.slice(0, 64));
const isKept = (cache: string, route: Route) =>
  until(
    () => readdirSync(cache).includes('sha256') && kept(cache).includes(digestIn(route).slice(7)),
    Boolean,
  );

function changeByte(file: string): void {
  const bytes = readFileSync(file);
  bytes[20] = (bytes[20] as number) ^ 1;
  writeFileSync(file, bytes);
}

describe.each(['thread', 'inline'])('an executor (%s) whose store of artifacts is away', (isolation) => {
  it('starts and answers, for handlers that ran before and for those that did not', async () => {
    const { of, aws, cache, environment, publish, call: ask } = await world({ MESH_ISOLATION: isolation });
    const [ran, waited] = [
      await publish(handlerOf('ran'), saying('ran')),
      await publish(handlerOf('waited'), saying('waited')),
    ];
    const first = await executor(of, environment);
    await served(of, ran);
    expect((await ask('ran')).body).toBe('{"said":"ran"}');
    await isKept(cache, waited);
    await first.stop();
    await aws.stop();

    await executor(of, environment);
    await served(of, waited);
    for (const path of ['ran', 'waited']) expect((await ask(path)).body).toBe(`{"said":"${path}"}`);
  });

  it('does not run what was changed on its disk, and says what is missing', async () => {
    const { of, aws, cache, environment, publish, call: ask } = await world({ MESH_ISOLATION: isolation });
    const route = await publish(handlerOf('a'), saying('a'));
    const first = await executor(of, environment);
    await isKept(cache, route);
    await first.stop();
    await aws.stop();
    changeByte(join(cache, 'sha256', `${digestIn(route).slice(7)}.tgz`));

    await executor(of, environment);
    await served(of, route);
    expect((await ask('a')).code).toBe('artifact-missing');
    expect(kept(cache)).toEqual([]);
  });
});

describe('an executor', () => {
  it.each(['thread', 'inline'])(
    '(%s) does not run what was changed in the store, and does once it is mended',
    async (isolation) => {
      const { of, aws, cache, environment, publish, call: ask } = await world({ MESH_ISOLATION: isolation });
      const route = await publish(handlerOf('a'), saying('a'));
      const key = `mesh/artifacts/sha256/${digestIn(route).slice(7)}.tgz`;
      const whole = Buffer.from(await (await fetch(`${aws.endpoint}/${key}`)).arrayBuffer());
      const changed = Buffer.from(whole);
      changed[20] = (changed[20] as number) ^ 1;
      await putObject(aws, key, changed);
      await executor(of, environment);
      await served(of, route);
      expect((await ask('a')).code).toBe('artifact-corrupt');
      expect(readdirSync(cache)).not.toContain('sha256');
      await putObject(aws, key, whole);
      expect((await ask('a')).body).toBe('{"said":"a"}');
    },
  );

  it('follows the store of NATS as it does S3', async () => {
    const of = await catalogue();
    const registry = await connectAs(of.nats, 'registry');
    const variables = { MESH_ARTIFACTS_URL: `nats://${ARTIFACTS_BUCKET}` };
    const store = await openArtifactStore(readConfig('test', artifactSettings, variables), (bucket) =>
      openObjectStore(() => registry, bucket, { create: true }),
    );
    await executor(of, variables);
    const route = await publishTo(store, of, handlerOf('a'), saying('from NATS'));
    await served(of, route);
    expect((await call(await plainClient(of.nats), 'a')).body).toBe('{"said":"from NATS"}');
  });

  it('leaves no unpacked file of versions that are not live, whatever is published and rolled back', async () => {
    const {
      of,
      environment,
      publish,
      call: ask,
    } = await world({ MESH_ISOLATION: 'thread', MESH_MAX_WORKERS: '2' });
    await executor(of, environment);
    // More handlers than workers: some are let go of for others before their route changes.
    for (const path of ['a', 'b', 'c']) await served(of, await publish(handlerOf(path), saying(path)));
    for (let n = 1; n <= 6; n++) {
      const route = await publish(handlerOf('b', `1.${n}.0`), saying(`b${n}`));
      await until(
        () => ask('b'),
        ({ body }) => body === `{"said":"b${n}"}`,
      );
      expect((await ask('a')).body).toBe('{"said":"a"}');
      expect((await ask('c')).body).toBe('{"said":"c"}');
      await served(of, route);
    }
    // Two workers: two folders at the most, and only of what is live.
    await until(
      () => unpackedHere().flatMap((root) => readdirSync(root)),
      (folders) => folders.length <= 2,
    );
    for (const path of ['a', 'b', 'c']) await of.store.remove(path as Route['path']);
    await until(
      () => unpackedHere().flatMap((root) => readdirSync(root)),
      (folders) => folders.length === 0,
    );
  });

  const unpackedHere = () =>
    readdirSync(tmpdir())
      .filter((name) => name.startsWith('lambda-mesh-executor-') && name.includes(`-${process.pid}-`))
      .map((name) => join(tmpdir(), name));
});
