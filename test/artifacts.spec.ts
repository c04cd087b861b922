import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { artifactSettings, openArtifactStore } from '#artifacts';
import { ARTIFACTS_BUCKET, readConfig } from '#contracts';
import { openObjectStore } from '#fabric';
import { startNats } from '#servers';
import {
  awsServer,
  awsVariables,
  connectionAs,
  type StoreKind,
  storeWorld,
  temporaryFolder,
} from './fixtures/artifact-stores.js';
import { plainClient } from './fixtures/fabric.js';
import { closeAll, later, until } from './fixtures/later.js';

afterEach(closeAll);

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const nameOf = (digest: string): string => `${digest.replace(':', '/')}.tgz`;
const NOTHING = digestOf(Buffer.from('nothing'));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe.each<StoreKind>(['file', 's3', 'nats'])('artifacts in %s', (kind) => {
  it('come out as they went in, for who reads as for who writes', async () => {
    const { store, reader } = await storeWorld(kind);
    for (const size of [1, 128 * 1024, 3_000_000]) {
      const bytes = randomBytes(size);
      const digest = digestOf(bytes);
      await store.put(digest, bytes);
      for (const side of [store, reader]) {
        expect(Buffer.from((await side.get(digest)) ?? []).equals(bytes)).toBe(true);
        expect(await side.stat(digest)).toMatchObject({ digest, size });
        expect(await side.has(digest)).toBe(true);
      }
    }
  });

  it('are absent until they are put, and after they are removed', async () => {
    const { store, reader } = await storeWorld(kind);
    expect(await all(store.list())).toEqual([]);
    expect(await store.get(NOTHING)).toBeUndefined();
    const bytes = Buffer.from('something');
    const digest = digestOf(bytes);
    await store.put(digest, bytes);
    expect(await reader.get(NOTHING)).toBeUndefined();
    expect(await reader.stat(NOTHING)).toBeUndefined();
    await store.remove(digest);
    await store.remove(digest);
    expect(await reader.get(digest)).toBeUndefined();
    expect(await store.has(digest)).toBe(false);
    expect(await all(store.list())).toEqual([]);
  });

  it('are listed with size and time, and nothing else is', async () => {
    const { store, plant } = await storeWorld(kind);
    const before = Date.now() - 2_000;
    const digests = await Promise.all(
      [1, 2, 3].map(async (size) => {
        const bytes = randomBytes(size);
        await store.put(digestOf(bytes), bytes);
        return digestOf(bytes);
      }),
    );
    await plant('sha256/notes.txt', Buffer.from('x'));
    await plant(`${NOTHING.slice(7)}.tgz`, Buffer.from('x'));
    const listed = await all(store.list());
    expect(listed.map(({ digest }) => digest).sort()).toEqual([...digests].sort());
    expect(listed.map(({ size }) => size).sort()).toEqual([1, 2, 3]);
    for (const { modified } of listed) expect(modified.getTime()).toBeGreaterThan(before);
  });

  it('put again are repaired, and new again', async () => {
    const { store, reader, plant } = await storeWorld(kind);
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    await plant(nameOf(digest), Buffer.from('something else'));
    expect(Buffer.from((await reader.get(digest)) ?? []).toString()).toBe('something else');
    await store.put(digest, bytes);
    const first = await store.stat(digest);
    expect(Buffer.from((await reader.get(digest)) ?? []).equals(bytes)).toBe(true);
    // S3 tells the time in whole seconds.
    await until(
      async () => {
        await store.put(digest, bytes);
        return (await store.stat(digest))?.modified ?? new Date(0);
      },
      (modified) => modified > (first?.modified ?? new Date()),
    );
    expect(await all(store.list())).toHaveLength(1);
  });

  it('are whole for who reads while they are put again', async () => {
    const { store, reader } = await storeWorld(kind);
    const bytes = randomBytes(1_000_000);
    const digest = digestOf(bytes);
    await store.put(digest, bytes);
    let isWriting = true;
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await store.put(digest, bytes);
      isWriting = false;
    })();
    let reads = 0;
    while (isWriting) {
      expect(digestOf((await reader.get(digest)) ?? Buffer.from('none'))).toBe(digest);
      reads++;
    }
    await writing;
    expect(reads).toBeGreaterThan(0);
  });

  it.each([
    '',
    'sha256:',
    `sha256:${'0'.repeat(63)}`,
    `sha256:${'../'.repeat(21)}x`,
    `md5:${'0'.repeat(64)}`,
  ])('are never known by %j', async (digest) => {
    const { store } = await storeWorld(kind);
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'artifact-missing' });
    await expect(store.remove(digest)).rejects.toMatchObject({ code: 'artifact-missing' });
    await expect(store.put(digest, Buffer.from('x'))).rejects.toMatchObject({ code: 'artifact-missing' });
  });
});

describe.each<Exclude<StoreKind, 'file'>>(['s3', 'nats'])('a server for %s that is away', (kind) => {
  it('is said so in a bounded time', async () => {
    const { store, reader, down } = await storeWorld(kind);
    await store.put(digestOf(Buffer.from('a')), Buffer.from('a'));
    await down?.();
    const away = { code: 'store-unavailable', status: 503 };
    const began = performance.now();
    await expect(reader.get(NOTHING)).rejects.toMatchObject(away);
    await expect(store.put(NOTHING, Buffer.from('nothing'))).rejects.toMatchObject(away);
    await expect(store.stat(NOTHING)).rejects.toMatchObject(away);
    await expect(all(store.list())).rejects.toMatchObject(away);
    await expect(store.remove(NOTHING)).rejects.toMatchObject(away);
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});

describe('a bucket of S3 that nobody made', () => {
  it('is a store that cannot be reached, not an artifact that is missing', async () => {
    const aws = await awsServer();
    const variables = { ...awsVariables(aws), MESH_ARTIFACTS_URL: 's3://no-such-bucket' };
    const store = await openArtifactStore(readConfig('test', artifactSettings, variables), () => {
      throw new Error('not here');
    });
    later(() => store.close());
    const away = { code: 'store-unavailable', detail: 'It says NoSuchBucket.' };
    await expect(store.get(NOTHING)).rejects.toMatchObject(away);
    await expect(store.put(NOTHING, Buffer.from('nothing'))).rejects.toMatchObject(away);
    await expect(all(store.list())).rejects.toMatchObject(away);
  });
});

describe('the folder', () => {
  const world = async () => {
    const folder = temporaryFolder();
    const environment = { MESH_ARTIFACTS_URL: pathToFileURL(folder).href };
    const store = await openArtifactStore(readConfig('test', artifactSettings, environment), () => {
      throw new Error('not here');
    });
    mkdirSync(join(folder, 'sha256'));
    return { folder, store };
  };

  it('loses what a write that was cut short left, once it is old', async () => {
    const { folder, store } = await world();
    const part = (name: string) => join(folder, 'sha256', `.${name}.tgz.1.part`);
    for (const name of ['old', 'new']) writeFileSync(part(name), 'half');
    utimesSync(part('old'), new Date(0), new Date(0));
    expect(await all(store.list())).toEqual([]);
    expect(await store.tidy(new Date(Date.now() - 3_600_000))).toBe(1);
    expect(readdirSync(join(folder, 'sha256'))).toEqual(['.new.tgz.1.part']);
  });

  it('is not left through a link', async () => {
    const { folder, store } = await world();
    const outside = join(temporaryFolder(), 'secret');
    writeFileSync(outside, 'secret');
    symlinkSync(outside, join(folder, nameOf(NOTHING)));
    expect(await store.get(NOTHING)).toBeUndefined();
    expect(await all(store.list())).toEqual([]);
  });
});

describe('the object store', () => {
  it('loses what a write that was cut short left, once it is old, and keeps what is an object', async () => {
    const nats = await startNats({ open: true });
    later(() => nats.stop());
    const connection = await connectionAs(nats, 'registry');
    const objects = openObjectStore(() => connection, ARTIFACTS_BUCKET, { create: true });
    const bytes = randomBytes(400_000);
    await objects.put('whole', bytes);
    const client = jetstream(await plainClient(nats));
    await client.publish(`$O.${ARTIFACTS_BUCKET}.C.CUTSHORT`, 'half');
    const used = async () =>
      (await (await client.streams.get(`OBJ_${ARTIFACTS_BUCKET}`)).info()).state.messages;
    const withLeft = await used();
    expect(await objects.tidy(new Date(Date.now() - 3_600_000))).toBe(0);
    expect(await used()).toBe(withLeft);
    expect(await objects.tidy(new Date(Date.now() + 60_000))).toBe(1);
    expect(await used()).toBe(withLeft - 1);
    expect(Buffer.from((await objects.get('whole')) ?? []).equals(bytes)).toBe(true);
  });

  it('says of an object that has lost a part that there is none, at once', async () => {
    const nats = await startNats({ open: true });
    later(() => nats.stop());
    const connection = await connectionAs(nats, 'registry');
    const objects = openObjectStore(() => connection, ARTIFACTS_BUCKET, { create: true });
    await objects.put('damaged', randomBytes(400_000));
    const { tag } = (await objects.stat('damaged')) as { tag: string };
    const stream = await jetstream(await plainClient(nats)).streams.get(`OBJ_${ARTIFACTS_BUCKET}`);
    const message = await stream.getMessage({ last_by_subj: `$O.${ARTIFACTS_BUCKET}.C.${tag}` });
    await stream.deleteMessage(message?.seq as number);
    const began = performance.now();
    expect(await objects.get('damaged')).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('is found once it is made, by who asked before', async () => {
    const nats = await startNats();
    later(() => nats.stop());
    const [registry, executor] = [await connectionAs(nats, 'registry'), await connectionAs(nats, 'executor')];
    const reader = openObjectStore(() => executor, ARTIFACTS_BUCKET, { create: false });
    await expect(reader.get('a')).rejects.toMatchObject({ code: 'store-unavailable' });
    await openObjectStore(() => registry, ARTIFACTS_BUCKET, { create: true }).put('a', Buffer.from('1'));
    expect(Buffer.from((await reader.get('a')) ?? []).toString()).toBe('1');
  });
});
