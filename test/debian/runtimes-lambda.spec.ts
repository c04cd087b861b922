import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { RuntimeApiServer } from '../fixtures/runtime-api.js';
import { until } from '../fixtures/until.js';

/*
 * The runtimes of examples/runtimes by themselves, against the documented Runtime API: what a handler of theirs may do, and
 * what the API may answer, without the loop's end. In the mesh: the specs of each runtime.
 */

let api: RuntimeApiServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  api = await RuntimeApiServer.start();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await api.stop();
});
afterAll(closeAll);

/** An example's runtime with a handler of the test's own, started as Lambda starts it. */
function start(runtime: string, files: Record<string, string>, environment: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), `mesh-${runtime}-`));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join('examples/runtimes', runtime), folder, { recursive: true });
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
  const child = spawn(join(folder, 'bootstrap'), [], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: 'users-find',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      LAMBDA_TASK_ROOT: folder,
      ...environment,
    },
  });
  children.push(child);
  child.stderr.pipe(process.stderr, { end: false });
  return child;
}

/** What was told of an error. */
async function errorOf(event: unknown) {
  const { kind, errorType, body } = await api.invoke(event);
  expect(kind).toBe('error');
  return { category: errorType, ...(JSON.parse(body) as { errorType: string; errorMessage: string }) };
}

/** Refuses polls as where a state transition is wrong, and sees that no refusal is taken for an event. */
async function refusedThenAnswered(event: unknown, answer: unknown) {
  await api.invoke(event);
  api.breakOff(1, 403);
  await until(async () => api.refused === 1);
  const { kind, body } = await api.invoke(event);
  expect([kind, JSON.parse(body)]).toEqual(['response', answer]);
}

describe('the runtime in Ruby', () => {
  const HANDLER = `λ.| 'users/find' do
  def overflow(n) = overflow(n + 1) + 1
  case event.body
  when 'file' then File.read('/none/such')
  when 'refused' then raise Errno::ECONNREFUSED, 'database'
  when 'io' then raise IOError, 'closed stream'
  when 'script' then raise NotImplementedError, 'later'
  when 'stack' then overflow(0)
  when 'bytes' then raise ArgumentError, "\\xff".b
  when 'answer' then context(OK, "\\xff")
  end
  $runs = $runs.to_i + 1
  context(OK, $runs)
end
`;
  const ruby = (environment: Record<string, string> = { _HANDLER: 'users/find' }) =>
    start('ruby', { 'handlers/users_find.rb': HANDLER }, environment);
  /** As the mesh tells of it. */
  const event = (body: unknown) => ({
    ...{ id: '1', source: 'lambda', time: '', query: {}, params: {}, headers: {}, attributes: {} },
    body,
  });

  it.each([
    ['file', 'Errno::ENOENT', /No such file/],
    ['refused', 'Errno::ECONNREFUSED', /database/],
    ['io', 'IOError', /closed stream/],
    ['script', 'NotImplementedError', /later/],
    ['stack', 'SystemStackError', /stack level too deep/],
    ['bytes', 'ArgumentError', /./],
    ['answer', 'JSON::GeneratorError', /./],
  ])("tells of a handler's own fault, and goes on: %s", async (what, errorType, message) => {
    ruby();
    expect(await errorOf(event(what))).toMatchObject({
      errorType,
      errorMessage: expect.stringMatching(message) as unknown,
    });
    // Not taken for a fault of the Runtime API: the next event is the first that ran to its end.
    expect(await api.invoke(event('run'))).toMatchObject({ kind: 'response', body: '1' });
  });

  it.each([
    ['0.0.1', false],
    // As `mesh dev` publishes it.
    ['0.0.1-dev.3', false],
    ['0.0.10', true],
    // A function's own version on Lambda says nothing of the handler's.
    ['$LATEST', false],
    ['7', false],
  ])('holds its version against the one that was published: %s', async (published, isOther) => {
    const handler = `λ.| 'users/find' do\n  version "0.0.1"\n  context(OK, 1)\nend\n`;
    const environment = { AWS_LAMBDA_FUNCTION_VERSION: published, _HANDLER: 'users/find' };
    const child = start('ruby', { 'handlers/users_find.rb': handler }, environment);
    const said = text(child.stderr);
    expect((await api.invoke(event(null))).body).toBe('1');
    child.kill('SIGKILL');
    expect((await said).includes(`was published as ${published}`)).toBe(isOther);
  });

  it('waits where its poll is refused, and takes no refusal for an event', async () => {
    ruby();
    await refusedThenAnswered(event('x'), 2);
  });
});

describe("the first seed's handler in Ruby, as a function of Lambda's", () => {
  const HANDLER = `λ.| 'users/find' do
  context(FAIL, error: 'Missing ?id=') unless event.query.key?(:id)
  context(OK, id: event.query[:id], said: event.body, method: event.method, type: event.headers[:'content-type'])
end
`;
  const ruby = () => start('ruby', { 'handlers/users_find.rb': HANDLER }, { _HANDLER: 'anything.handler' });
  const ask = async (event: unknown) => {
    const { kind, body } = await api.invoke(event);
    expect(kind).toBe('response');
    const answer = JSON.parse(body);
    return [answer.statusCode, answer.headers, JSON.parse(answer.body)];
  };
  const JSON_TYPE = { 'content-type': 'application/json' };

  it("answers API Gateway's documents of either format", async () => {
    ruby();
    const v2 = { version: '2.0', rawPath: '/', requestContext: { http: { method: 'POST', path: '/' } } };
    const sent = {
      headers: { 'Content-Type': 'application/json' },
      body: 'eyJhIjoxfQ==',
      isBase64Encoded: true,
    };
    expect(await ask({ ...v2, ...sent, rawQueryString: 'id=4%202&id=43' })).toEqual([
      200,
      JSON_TYPE,
      { id: ['4 2', '43'], said: { a: 1 }, method: 'POST', type: 'application/json' },
    ]);
    expect(await ask({ ...v2, rawQueryString: '' })).toEqual([400, JSON_TYPE, { error: 'Missing ?id=' }]);
    const v1 = { httpMethod: 'GET', path: '/', requestContext: {}, headers: null, body: null };
    expect(await ask({ ...v1, queryStringParameters: { id: '42' } })).toEqual([
      200,
      JSON_TYPE,
      { id: '42', said: null, method: 'GET', type: null },
    ]);
  });

  it('answers who invokes it with a payload', async () => {
    ruby();
    const { kind, body } = await api.invoke({ id: 42 });
    expect([kind, JSON.parse(body)]).toMatchObject(['response', { id: '42', said: { id: 42 } }]);
    const refused = await api.invoke('{}');
    expect(refused).toMatchObject({ kind: 'error', errorType: 'Function.Failed' });
    expect(JSON.parse(refused.body).errorMessage).toBe('{"error":"Missing ?id="}');
  });
});

describe('the runtime in Python', () => {
  const HANDLER = `import asyncio, sys

class Ошибка(Exception):
    pass

class Silent(Exception):
    def __str__(self):
        raise ValueError("no words")

def fails(what):
    if what == "name":
        raise Ошибка("ого")
    if what == "silent":
        raise Silent()
    if what == "exit":
        sys.exit(3)
    if what == "cancelled":
        raise asyncio.CancelledError()
    if what == "os":
        open("/none/such")
    return {"nan": float("nan"), "infinity": float("inf"), "surrogate": "\\ud800"}.get(what, what)

def pieces(what):
    yield "first"
    sys.exit(3)

def two(event, context):
    return context.aws_request_id is not None

def optional(payload, verbose=False):
    return verbose

def named(event, context=None):
    return context is not None

def several(payload, *more):
    return list(more)
`;
  const python = (name: string, environment: Record<string, string> = {}) =>
    start('python', { 'own.py': HANDLER }, { _HANDLER: `own.${name}`, ...environment });

  const FAULTS = [
    ['name', 'Ошибка', 'Function.Error'],
    ['silent', 'Silent', 'Function.Silent'],
    ['exit', 'SystemExit', 'Function.SystemExit'],
    ['cancelled', 'CancelledError', 'Function.CancelledError'],
    ['os', 'FileNotFoundError', 'Function.FileNotFoundError'],
    ['nan', 'ValueError', 'Function.ValueError'],
    ['infinity', 'ValueError', 'Function.ValueError'],
    ['surrogate', 'UnicodeEncodeError', 'Function.UnicodeEncodeError'],
  ] as const;

  it.each(['1', '2'])("tells of a handler's own fault, and goes on, with %s at once", async (concurrency) => {
    const child = python('fails', { AWS_LAMBDA_MAX_CONCURRENCY: concurrency });
    // More than there are threads: none of them has ended.
    for (const [what, errorType, category] of FAULTS)
      expect(await errorOf(JSON.stringify(what))).toMatchObject({ errorType, category });
    expect(await api.invoke('"run"')).toMatchObject({ kind: 'response', body: '"run"' });
    expect(child.exitCode).toBeNull();
  });

  it('tells of what breaks off a stream, and goes on', async () => {
    python('pieces');
    for (const event of [1, 2]) {
      const { body, trailers } = await api.invoke(event);
      expect([body, trailers?.['lambda-runtime-function-error-type']]).toEqual([
        'first',
        'Function.SystemExit',
      ]);
    }
  });

  it('tells of an event that cannot be read, or surroundings that are not there', async () => {
    python('two');
    expect(await errorOf('{')).toMatchObject({ errorType: 'JSONDecodeError' });
    const context = { 'Lambda-Runtime-Client-Context': '{' };
    expect(await api.invoke(1, 30_000, context)).toMatchObject({ kind: 'error' });
    expect(await api.invoke(1)).toMatchObject({ kind: 'response' });
  });

  it.each([
    ['two', true],
    ['named', true],
    ['optional', false],
    ['several', []],
  ])('gives the context to who asks for it: %s', async (name, answer) => {
    python(name);
    expect(JSON.parse((await api.invoke(1)).body)).toEqual(answer);
  });

  it('waits where its poll is refused', async () => {
    python('fails');
    await refusedThenAnswered('"x"', 'x');
  });
});

describe('the runtime in bash', () => {
  const HANDLER = `own() {
  case $1 in
    '"trace"') printf '%s' "\${_X_AMZN_TRACE_ID-none}" ;;
    '"lines"') printf 'one\\n\\n' ;;
    '"control"')
      printf '\\033[31m"red"\\a\\tand \\\\ more\\nlines' >&2
      return 1
      ;;
    '"exit"') exit 3 ;;
    *) printf '%s' "$1" ;;
  esac
}
`;
  beforeEach(() => {
    start('bash', { 'own.sh': HANDLER }, { _HANDLER: 'own.own' });
  });

  it('answers what was printed, byte by byte', async () => {
    expect((await api.invoke('"x"')).body).toBe('"x"');
    expect((await api.invoke('"lines"')).body).toBe('one\n\n');
  });

  it('has the trace of the event in hand, or none', async () => {
    const traced = { 'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7' };
    expect((await api.invoke('"trace"', 30_000, traced)).body).toBe('Root=1-5bef4de7');
    expect((await api.invoke('"trace"')).body).toBe('none');
  });

  it('tells of an error with any characters in its message', async () => {
    const { errorMessage } = await errorOf('"control"');
    expect(errorMessage).toBe(' [31m"red" \tand \\ more\nlines');
    await errorOf('"exit"');
    expect((await api.invoke('"x"')).body).toBe('"x"');
  });

  it('waits where its poll is refused', async () => {
    await refusedThenAnswered('"x"', 'x');
  });
});
