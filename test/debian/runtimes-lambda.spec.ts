import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const child = spawn(join(folder, 'bootstrap'), [], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
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
    const { statusCode, headers, body: text } = JSON.parse(body);
    return [statusCode, headers, JSON.parse(text)];
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
