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

/** Takes its own runtime's client away, so that the loop that wants to answer with it ends. */
const FRAGILE = `defmodule MyApp.Fragile do
  @behaviour ToukonExLambda

  def handle_event(%{"do" => "end the loop"}, _context), do: %{stopped: :inets.stop(:httpc, :toukon_ex_lambda)}
  def handle_event(%{"do" => "throw"}, _context), do: throw(:secret)
  def handle_event(event, _context), do: %{event: event, runtime: inspect(Process.whereis(ToukonExLambda.Runtime))}
end
`;

let folder: string;
let app: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-seed-c-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('examples/runtimes/elixir', folder, { recursive: true });
  app = join(folder, 'lambda_app');
  writeFileSync(join(app, 'lib/my_app/fragile.ex'), FRAGILE);
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

/** What a local run prints of such an input. */
async function printed(input: string, program = 'mix', args = ['run', '--no-halt']) {
  const child = start(program, args);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stdin?.end(input);
  await until(async () => text.includes('\n'), 30_000);
  return JSON.parse(text);
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

describe('with a handler whose module is named as text', () => {
  let fragile: string;
  beforeAll(() => {
    // A copy of what is compiled: mix would compile anew for another configuration.
    fragile = join(folder, 'fragile_app');
    cpSync(app, fragile, { recursive: true });
    const config = 'import Config\nconfig :toukon_ex_lambda, handler: "MyApp.Fragile"\n';
    writeFileSync(join(fragile, 'config/prod.exs'), config);
  });

  it('begins its loop anew when that has ended, in the same process', async () => {
    const api = await RuntimeApiServer.start();
    try {
      const child = start(join(fragile, 'bootstrap'), [], {
        AWS_LAMBDA_RUNTIME_API: api.address,
        LAMBDA_TASK_ROOT: fragile,
      });
      const before = JSON.parse((await api.invoke(1)).body);
      expect(before).toEqual({ event: 1, runtime: expect.stringMatching(/^#PID/) });
      // That event has no answer, as on Lambda.
      void api.invoke({ do: 'end the loop' });
      expect(JSON.parse((await api.invoke(2)).body)).toEqual({ ...before, event: 2 });
      await ended(child);
    } finally {
      await api.stop();
    }
  }, 60_000);

  it('begins a local run anew that was thrown out of, without an event', async () => {
    expect(await printed('{"do": "throw"}', join(fragile, 'bootstrap'), [])).toMatchObject({ event: {} });
  }, 60_000);
});

describe('a local run', () => {
  it('takes an empty input for an event without fields', async () => {
    expect(await printed('')).toMatchObject({ message: '🔥 ToukonExLambda で処理しました', event: {} });
  }, 60_000);

  it('answers an error with 500', async () => {
    const { statusCode, body } = await printed('no JSON');
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
