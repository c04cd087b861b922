import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from '../fixtures/later.js';
import { executor, ingress } from '../fixtures/mesh.js';
import { type WorkScene, workScene } from '../fixtures/work.js';

/*
 * The third seed's own runtime, ported to what Debian has: Elixir 1.14, :httpc, no Hex. README.md beside it lists what
 * differs. Mix compiles it here as its author would.
 */

const run = promisify(execFile);

/** Raises, throws, answers what is no JSON and ends its own runtime when it is told to. */
const HANDLER = `defmodule MyLambdaApp.Handler do
  @behaviour ToukonExLambda

  def handle_event(%{"do" => "raise"}, _context), do: raise(ArgumentError, "secret")
  def handle_event(%{"do" => "throw"}, _context), do: throw(:secret)

  def handle_event(%{"do" => "raise bytes"}, _context), do: raise(ArgumentError, <<255>>)
  def handle_event(%{"do" => "bytes"}, _context), do: %{name: "M" <> <<252>> <> "ller"}
  def handle_event(%{"do" => "struct"}, _context), do: %{uri: URI.parse("http://user:secret@example.org")}

  def handle_event(%{"do" => "times"}, _context) do
    [~D[2024-02-29], ~T[12:30:00], ~N[2024-02-29 12:30:00.5], ~U[2024-02-29 12:30:00Z]]
  end

  # Kills when the file go is there, so not before its answer is; writes recovered when all is there anew.
  def handle_event(%{"do" => "kill", "in" => folder}, _context) do
    before = parts()
    spawn(fn ->
      until(fn -> File.exists?(Path.join(folder, "go")) end)
      Process.exit(elem(before, 0), :kill)
      until(fn -> Enum.all?(Enum.zip(Tuple.to_list(parts()), Tuple.to_list(before)), fn {now, was} -> now && now != was end) end)
      File.write!(Path.join(folder, "recovered"), "")
    end)
    %{runtime: inspect(elem(before, 0)), pid: System.pid()}
  end

  def handle_event(event, context) do
    %{event: event, keys: Map.keys(context), runtime: inspect(Process.whereis(ToukonExLambda.Runtime)), pid: System.pid()}
  end

  # The runtime, and its client of the Runtime API: the latest one there is.
  defp parts do
    clients = for {:httpc, pid} <- :inets.services(), do: pid
    {Process.whereis(ToukonExLambda.Runtime), Enum.max(clients, fn -> nil end)}
  end

  defp until(fact) do
    unless fact.() do
      Process.sleep(10)
      until(fact)
    end
  end
end
`;

let folder: string;
let url: string;
let scene: WorkScene;

const mix = (project: string, args: string[], more: Record<string, string> = {}) =>
  run('mix', args, {
    cwd: join(folder, project),
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', MIX_ENV: 'prod', ...more },
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-elixir-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('examples/runtimes/elixir', folder, { recursive: true });
  await mix('lambda_app', ['compile']);
  await mix('toukon_ex_lambda', ['toukon_lambda.new', '../my_lambda_app']);
  writeFileSync(join(folder, 'my_lambda_app/lib/my_lambda_app/handler.ex'), HANDLER);
  await mix('my_lambda_app', ['compile']);
  scene = await workScene();
  await scene.publishFolder(join(folder, 'lambda_app'));
  await scene.publishFolder(join(folder, 'my_lambda_app'));
  await executor(scene);
  url = (await ingress(scene)).url;
}, 120_000);
afterAll(closeAll);

/** As a client of Lambda's API does it: the payload is the event. */
async function invoke(name: string, payload: unknown) {
  const response = await fetch(`${url}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, {
    method: 'POST',
    body: JSON.stringify(payload),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  return { status: response.status, error: response.headers.get('x-amz-function-error'), answer };
}

describe('ToukonExLambda', () => {
  it('greets who asks for it', async () => {
    const { status, error, answer } = await invoke('runtimes/elixir', { action: 'hello', name: 'Elixir' });
    expect([status, error]).toEqual([200, null]);
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body as string)).toEqual({
      message: '🔥 こんにちは、Elixirさん！',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
    });
  }, 60_000);

  it('answers API Gateway, and so HTTP', async () => {
    const response = await fetch(`${url}/runtimes/elixir?a=1`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      message: '🔥 API Gateway 経由',
      method: 'GET',
      path: '/runtimes/elixir',
      request_id: response.headers.get('mesh-id'),
    });
  }, 60_000);

  it('handles any other event', async () => {
    const { answer } = await invoke('runtimes/elixir', { a: [1, 2.5, null, 'ä"\n'] });
    expect(answer).toMatchObject({
      message: '🔥 ToukonExLambda で処理しました',
      event: { a: [1, 2.5, null, 'ä"\n'] },
    });
  }, 60_000);

  it('runs one event from stdin where there is no Runtime API', async () => {
    const running = mix('lambda_app', ['run', '--no-halt']);
    let printed = '';
    running.child.stdout?.on('data', (text: string) => {
      printed += text;
    });
    running.child.stdin?.end('{"action": "hello", "name": "Elixir"}');
    await until(
      () => printed,
      (text) => text.includes('\n'),
      30_000,
    );
    running.child.kill('SIGKILL');
    await running.catch(() => undefined);
    const answer = JSON.parse(printed) as { statusCode: number; body: string };
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ message: '🔥 こんにちは、Elixirさん！' });
  }, 60_000);
});

describe('a project of the generator', () => {
  const NAME = 'my-lambda-app';

  it('gives its handler the context that the seed names', async () => {
    const { answer } = await invoke(NAME, { a: 1 });
    expect(answer).toMatchObject({
      event: { a: 1 },
      keys: ['deadline_ms', 'function_arn', 'request_id', 'timestamp'],
    });
  }, 60_000);

  it.each([
    ['raise', { errorType: 'ArgumentError', errorMessage: 'secret' }],
    ['throw', { errorType: 'ErlangError' }],
    ['raise bytes', { errorType: 'ArgumentError', errorMessage: '<<255>>' }],
    ['bytes', { errorType: 'Jason.EncodeError' }],
    ['struct', { errorType: 'Protocol.UndefinedError' }],
  ])(
    'tells of a handler that ends by %s, and goes on',
    async (what, told) => {
      const { error, answer } = await invoke(NAME, { do: what });
      expect(error).toBe('Unhandled');
      expect(answer).toMatchObject(told);
      expect((await invoke(NAME, { a: 1 })).error).toBeNull();
    },
    60_000,
  );

  it('answers dates and times as ISO 8601', async () => {
    expect((await invoke(NAME, { do: 'times' })).answer).toEqual([
      '2024-02-29',
      '12:30:00',
      '2024-02-29T12:30:00.5',
      '2024-02-29T12:30:00Z',
    ]);
  }, 60_000);

  it('recovers by itself when its runtime is killed', async () => {
    const { answer: before } = await invoke(NAME, { do: 'kill', in: folder });
    // It has no event in its hand now, which would be lost with it, as on Lambda.
    writeFileSync(join(folder, 'go'), '');
    await until(
      () => existsSync(join(folder, 'recovered')),
      (isThere) => isThere,
      30_000,
    );
    const { answer: after } = await invoke(NAME, { a: 1 });
    expect(after.runtime).not.toBe(before.runtime);
    // The same process of the machine: the supervisor within it did it.
    expect(after.pid).toBe(before.pid);
  }, 60_000);

  it('leaves work that fails to the dead letters', async () => {
    await scene.accept(NAME, { do: 'raise' }, { meta: { source: 'lambda' } });
    const [letter] = await until(
      () => scene.dead(),
      ({ length }) => length > 0,
      40_000,
    );
    expect(letter).toMatchObject({ body: '{"do":"raise"}', facts: { reason: 'handler-error' } });
  }, 60_000);
});
