import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { RuntimeApiServer } from '../fixtures/runtime-api.js';
import { until } from '../fixtures/until.js';

/*
 * The third seed's runtime by itself, in Debian's Elixir: against the documented Runtime API, in a local run, and
 * without its configuration. In the mesh: runtime-elixir.spec.ts.
 */

let folder: string;
let app: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-seed-c-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('examples/runtimes/elixir', folder, { recursive: true });
  app = join(folder, 'lambda_app');
  execFileSync('mix', ['compile'], { cwd: app, env: environment(), stdio: 'ignore' });
}, 120_000);
afterEach(async () => {
  for (const child of children.splice(0)) await ended(child);
});
afterAll(closeAll);

const environment = (more: Record<string, string> = {}) => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: folder,
  LANG: 'C.UTF-8',
  MIX_ENV: 'prod',
  ...more,
});

/** A group of its own: Elixir starts a virtual machine that would outlive its shell. */
function start(program: string, args: string[], more: Record<string, string> = {}): ChildProcess {
  const child = spawn(program, args, { cwd: app, env: environment(more), detached: true });
  children.push(child);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

it('polls, answers, and waits out what goes wrong with the Runtime API', async () => {
  const api = await RuntimeApiServer.start();
  try {
    const child = start(join(app, 'bootstrap'), [], {
      AWS_LAMBDA_RUNTIME_API: api.address,
      LAMBDA_TASK_ROOT: app,
    });
    const hello = async () => {
      const { kind, body } = await api.invoke({ action: 'hello', name: 'Elixir' });
      return [kind, JSON.parse(JSON.parse(body).body).message];
    };
    const greeting = ['response', '🔥 こんにちは、Elixirさん！'];
    expect(await hello()).toEqual(greeting);
    api.breakOff(2);
    await until(async () => api.refused === 2);
    expect(await hello()).toEqual(greeting);
    // What is no JSON is the fault of that event alone.
    expect(await api.invoke('no JSON')).toMatchObject({ kind: 'error' });
    expect(await hello()).toEqual(greeting);
    await ended(child);
  } finally {
    await api.stop();
  }
}, 90_000);

describe('a local run', () => {
  it('answers an error with 500', async () => {
    const child = start('mix', ['run', '--no-halt']);
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    child.stdin?.end('no JSON');
    await until(async () => printed.includes('\n'), 30_000);
    const { statusCode, body } = JSON.parse(printed);
    expect([statusCode, JSON.parse(body).error]).toEqual([500, '処理エラー']);
  }, 60_000);
});

describe('without its configuration', () => {
  it('says what to write into config.exs', async () => {
    writeFileSync(join(app, 'config/config.exs'), 'import Config\n');
    const child = start('mix', ['run', '--no-halt']);
    const [said, [code]] = await Promise.all([text(child.stdout as never), once(child, 'exit')]);
    expect(code).not.toBe(0);
    expect(said).toContain('config :toukon_ex_lambda, handler: MyApp.Handler');
  }, 60_000);
});
