import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, catalogue, type Environment, ingress, served } from './fixtures/mesh.js';
import { executorProcess } from './fixtures/processes.js';
import type { ServiceProcess } from './fixtures/service-process.js';

/*
 * What `process` isolation keeps a handler from, against an executor that runs as it is deployed; and that no child outlives
 * it. docs/isolation.md says the same in words. Needs `npm run build`.
 */

/** Does as the body says and answers with what came of it. */
const TRIES = `
import * as fs from 'node:fs';
import { execSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
const TRIES = {
  pid: () => process.pid,
  cwd: () => process.cwd(),
  env: () => ({ ...process.env }),
  readOwn: () => fs.readFileSync(new URL('handler.mjs', import.meta.url), 'utf8').length > 0,
  readPasswd: () => fs.readFileSync('/etc/passwd', 'utf8'),
  readExecutor: () => fs.readFileSync('/proc/' + process.ppid + '/environ', 'utf8'),
  readCode: ({ file }) => fs.readFileSync(file, 'utf8'),
  list: ({ file }) => fs.readdirSync(file),
  writeOwn: () => fs.writeFileSync(new URL('other.mjs', import.meta.url), ''),
  writeTmp: ({ file }) => fs.writeFileSync(file, ''),
  writeScratch: () => { fs.writeFileSync('a.txt', 'kept'); return fs.readFileSync('a.txt', 'utf8') },
  link: () => fs.symlinkSync('/etc/passwd', 'passwd'),
  fill: () => { for (let i = 0; ; i++) fs.writeFileSync('f' + i, Buffer.alloc(1e6)) },
  command: () => execSync('id').toString(),
  thread: () => new Worker('1', { eval: true }) && 'made',
  addon: () => process.dlopen({ exports: {} }, '/none.node'),
  binding: () => process.binding('spawn_sync') && 'had',
  signal: () => process.kill(process.ppid, 'SIGKILL'),
  signalBelow: () => process._kill(process.ppid, 9),
  execve: () => process.execve('/bin/true', ['true']),
  require: () => createRequire(import.meta.url)('/etc/passwd'),
};
export default (event) => {
  const { what, ...options } = event.body;
  if (what === 'loop') for (;;);
  try { return { did: TRIES[what](options) ?? null } } catch (error) { return { refused: error.code ?? error.message } }
}`;

async function started(
  environment: Environment,
): Promise<{ of: Catalogue; service: ServiceProcess; url: string }> {
  const of = await catalogue();
  const route = await of.publish(
    { path: 'tries', version: '1.0.0', env: ['COLOUR'], limits: { timeoutMs: 6_000 } },
    TRIES,
  );
  const service = executorProcess(of, {
    MESH_ISOLATION: 'process',
    MESH_HANDLER_ENV: 'COLOUR,SECRET',
    ...environment,
  });
  const { url } = await ingress(of);
  await served(of, route);
  return { of, service, url };
}

const asking =
  (url: string) =>
  async (
    what: string,
    options: object = {},
  ): Promise<{ status: number; did?: unknown; refused?: string }> => {
    const response = await fetch(`${url}/tries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ what, ...options }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };

/** proc(5), `stat`: what stands behind the name, from field 3 on. */
const statOf = (pid: number): string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};
const stateOf = (pid: number) => statOf(pid)[0];
const sessionOf = (pid: number) => statOf(pid)[3];
const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);
afterAll(closeAll);

describe('a handler in a process', () => {
  let ask: ReturnType<typeof asking>;
  let service: ServiceProcess;
  beforeAll(async () => {
    const world = await started({ COLOUR: 'blue', SECRET: 'x', MESH_WORKER_SCRATCH: '8' });
    ask = asking(world.url);
    service = world.service;
  });

  it.each<[string, unknown]>([
    ['env', { COLOUR: 'blue' }],
    ['readOwn', true],
    ['writeScratch', 'kept'],
  ])('may: %s', async (what, expected) => {
    expect(await ask(what)).toEqual({ status: 200, did: expected });
  });

  it.each<[string, string, object]>([
    ['readPasswd', 'ERR_ACCESS_DENIED', {}],
    ['readExecutor', 'ERR_ACCESS_DENIED', {}],
    ['readCode', 'ERR_ACCESS_DENIED', { file: join(process.cwd(), 'package.json') }],
    ['readCode', 'ERR_ACCESS_DENIED', { file: join(process.cwd(), 'dist/apps/executor/src/main.js') }],
    ['list', 'ERR_ACCESS_DENIED', { file: tmpdir() }],
    ['writeOwn', 'ERR_ACCESS_DENIED', {}],
    ['writeTmp', 'ERR_ACCESS_DENIED', { file: join(tmpdir(), 'mesh-not-there') }],
    ['link', 'ERR_ACCESS_DENIED', {}],
    ['command', 'ERR_ACCESS_DENIED', {}],
    ['thread', 'ERR_ACCESS_DENIED', {}],
    ['addon', 'ERR_DLOPEN_DISABLED', {}],
    ['binding', 'ERR_ACCESS_DENIED', {}],
    ['signal', 'EPERM', {}],
    ['execve', 'process.execve is not a function', {}],
    ['require', 'ERR_ACCESS_DENIED', {}],
  ])('may not: %s', async (what, expected, options) => {
    expect(await ask(what, options)).toEqual({ status: 200, refused: expected });
  });

  it('nor harm its executor by what lies below', async () => {
    expect(await ask('signalBelow')).toEqual({ status: 200, did: -1 });
    expect(service.ended).toBe(false);
  });

  it('has its scratch folder for itself, until its process ends', async () => {
    const { did: folder } = await ask('cwd');
    expect(existsSync(join(folder as string, 'a.txt'))).toBe(true);
    expect((await ask('fill')).status).toBe(502);
    await until(
      () => existsSync(folder as string),
      (there) => !there,
    );
    expect((await ask('cwd')).did).not.toBe(folder);
  });
});

describe('a child', () => {
  const scratchOf = (pid: number) =>
    readdirSync(tmpdir()).filter((name) => name.startsWith(`lambda-mesh-scratch-${pid}-`));
  const gone = (pid: number) =>
    until(
      () => isRunning(pid),
      (running) => !running,
    );

  it.each(['waits', 'loops'])('does not outlive an executor that is killed while it %s', async (does) => {
    const { service, url } = await started({});
    const ask = asking(url);
    const { did } = await ask('pid');
    const pid = did as number;
    if (does === 'loops') {
      void ask('loop').catch(() => undefined);
      await until(
        () => stateOf(pid),
        (state) => state === 'R',
      );
    }
    expect(scratchOf(service.pid)).toHaveLength(1);
    await service.end('SIGKILL');
    await gone(pid);
    // Nor does its folder.
    await until(
      () => scratchOf(service.pid),
      ({ length }) => length === 0,
    );
  });

  it('ends with its executor, and is not reached by what a terminal sends', async () => {
    const { service, url } = await started({});
    const { did: pid } = await asking(url)('pid');
    expect(sessionOf(pid as number)).not.toBe(sessionOf(service.pid));
    await service.end('SIGTERM');
    await gone(pid as number);
    await until(
      () => scratchOf(service.pid),
      ({ length }) => length === 0,
    );
  });
});
