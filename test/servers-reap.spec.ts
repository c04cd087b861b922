import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { reapOrphans, startNats } from '#servers';
import { identify, isAlive, type ProcessIdentity } from '../libs/servers/src/identity.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-test-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A parent of its own, as `npm start` is one, running `script` against the built library. */
function parent(script: string, options: { detached?: boolean } = {}): ChildProcess {
  const library = pathToFileURL(join(process.cwd(), 'dist/libs/servers/src/index.js')).href;
  const source = `import * as servers from ${JSON.stringify(library)};\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options,
  });
  closers.push(() => child.kill('SIGKILL'));
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) return line;
  throw new Error(`The parent ended (${child.exitCode}) before it said anything.`);
}

const startAll = (folder: string): string => `
  const inside = (name) => ${JSON.stringify(folder)} + '/' + name;
  const started = await Promise.all([
    servers.startNats({ dataDir: inside('nats') }),
    servers.startPostgres({ dataDir: inside('postgres') }),
    servers.startAws({ dataDir: inside('aws') }),
  ]);
  console.log(JSON.stringify(started.map(({ pid }) => pid)));
`;

async function startedBy(child: ChildProcess): Promise<ProcessIdentity[]> {
  const pids = JSON.parse(await firstLine(child)) as number[];
  return pids.map((pid) => identify(pid) as ProcessIdentity);
}

describe('what a killed parent leaves behind', () => {
  it('is ended by the next one', async () => {
    const folder = temporaryFolder();
    const child = parent(`${startAll(folder)} setInterval(() => {}, 1000);`);
    const orphans = await startedBy(child);
    expect(orphans.map(isAlive)).toEqual([true, true, true]);
    child.kill('SIGKILL');
    await once(child, 'exit');

    // The emulator notices by itself that its parent has gone; nats-server and Postgres cannot.
    const reaped = (await reapOrphans(folder)).map(({ server }) => server);
    expect(reaped).toEqual(expect.arrayContaining(['nats', 'postgres']));
    expect(orphans.slice(0, 2).map(isAlive)).toEqual([false, false]);
    expect(await reapOrphans(folder)).toEqual([]);
  });

  it('is ended by a start in the same folder, which then works', async () => {
    const folder = temporaryFolder();
    const child = parent(`${startAll(folder)} setInterval(() => {}, 1000);`);
    const [orphan] = await startedBy(child);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await startNats({ dataDir: join(folder, 'nats') });
    closers.push(() => server.stop());
    expect(isAlive(orphan as ProcessIdentity)).toBe(false);
    await reapOrphans(join(folder, 'postgres'));
  });

  it('is ended and removed also when it lies in a temporary folder', async () => {
    const child = parent(`
      const { pid } = await servers.startNats();
      console.log(JSON.stringify([pid]));
      setInterval(() => {}, 1000);
    `);
    const [orphan] = (await startedBy(child)) as [ProcessIdentity];
    const folder = temporaryFolderOf(orphan);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await startNats();
    closers.push(() => server.stop());
    expect(isAlive(orphan)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('is nothing when the parent ends by itself', async () => {
    const folder = temporaryFolder();
    const child = parent(`${startAll(folder)} process.stdin.resume();`);
    const servers = await startedBy(child);
    child.stdin?.end();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    await Promise.all(servers.map(gone));
    expect(servers.map(isAlive)).toEqual([false, false, false]);
  });
});

/** `-c <folder>/nats.conf` stands in its command line. */
function temporaryFolderOf({ pid }: ProcessIdentity): string {
  const file = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[2] as string;
  expect(existsSync(file)).toBe(true);
  return dirname(file);
}

/** Signalled, a server needs a moment. */
async function gone(identity: ProcessIdentity): Promise<void> {
  while (isAlive(identity)) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('Ctrl-C', () => {
  it('reaches the parent, which then still has its servers', async () => {
    const source = `
      const server = await servers.startNats();
      process.on('SIGINT', async () => {
        const { connect } = await import('node:net');
        connect(server.port, '127.0.0.1').once('data', async (info) => {
          console.log(JSON.stringify(String(info).slice(0, 4)));
          await server.stop();
          process.exit(0);
        });
      });
      console.log(JSON.stringify([server.pid]));
      setInterval(() => {}, 1000);
    `;
    const child = parent(source, { detached: true });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    const [pid] = JSON.parse((await lines.next()).value as string) as [number];
    const server = identify(pid) as ProcessIdentity;
    // To the whole group, as a terminal does.
    process.kill(-(child.pid as number), 'SIGINT');
    expect(JSON.parse((await lines.next()).value as string)).toBe('INFO');
    await once(child, 'exit');
    expect(isAlive(server)).toBe(false);
  });
});

describe('reaping', () => {
  const DEAD: ProcessIdentity = { pid: 2 ** 22 + 1, started: 'never' };

  async function bystander(): Promise<ProcessIdentity> {
    const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
    closers.push(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return identify(child.pid as number) as ProcessIdentity;
  }

  function record(content: object): string {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'nats'));
    const claim = { server: 'nats', stopSignal: 'SIGTERM', parent: DEAD, ...content };
    writeFileSync(join(folder, 'nats/server.json'), JSON.stringify(claim));
    return folder;
  }

  it('leaves a process alone that was given the pid later', async () => {
    const process = await bystander();
    const folder = record({ child: { ...process, started: `${process.started}0` } });
    expect(await reapOrphans(folder)).toEqual([]);
    expect(isAlive(process)).toBe(true);
    expect(existsSync(join(folder, 'nats/server.json'))).toBe(false);
  });

  it('ends that very process', async () => {
    const process = await bystander();
    expect(await reapOrphans(record({ child: process }))).toEqual([{ server: 'nats', pid: process.pid }]);
    expect(isAlive(process)).toBe(false);
  });

  it('refuses to touch the servers of a parent that runs', async () => {
    const [parent, child] = [await bystander(), await bystander()];
    const folder = record({ parent, child });
    await expect(reapOrphans(folder)).rejects.toThrow(`process ${parent.pid} runs nats in it`);
    expect(isAlive(child)).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, 'nats/server.json'), 'utf8'))).toHaveProperty('child');
  });

  it('has nothing to do where there is nothing', async () => {
    expect(await reapOrphans(join(temporaryFolder(), 'no-such-folder'))).toEqual([]);
  });

  it('is not misled by a name with brackets and spaces', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'process.title = "a) S 1 2 (b"; console.log(1); setInterval(() => {}, 1000)',
    ]);
    closers.push(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const seen = identify(child.pid as number);
    expect(seen?.started).toMatch(/^[0-9a-f-]{36}\/[1-9]\d*$/);
  });
});
