import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RuntimeApiServer } from './fixtures/runtime-api.js';
import { until } from './fixtures/until.js';

/*
 * The bootstrap of @lambda-mesh/handler as its own process, as Lambda starts it: against the documented Runtime API,
 * and on a developer's machine without one. `npm test` has built it.
 */
const BOOTSTRAP = fileURLToPath(new URL('../libs/handler/dist/bootstrap.js', import.meta.url));

const HANDLER = `
let turns = 0;
let release;
export const handle = async (event) => {
  if (event?.throw) throw new RangeError(event.throw);
  if (event?.large) return 'x'.repeat(event.large);
  if (event?.meet) await new Promise((done) => { release = done; });
  release?.();
  if (event?.loose) setTimeout(() => {
    if (event.loose > 1) process.nextTick(() => { throw new Error('another'); });
    throw new Error('loose');
  });
  if (event?.loose) await new Promise(() => undefined);
  console.log('turn', ++turns);
  return { echo: event, turn: turns };
};
`;

const HTTP = {
  version: '2.0',
  rawPath: '/',
  requestContext: { http: { method: 'POST' } },
  headers: { 'content-type': 'application/json' },
  body: '',
};

let folder: string;
let api: RuntimeApiServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-lambda-'));
  await writeFile(join(folder, 'handler.mjs'), HANDLER);
  api = await RuntimeApiServer.start();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}, name = 'handler.handle') {
  const child = spawn(process.execPath, [BOOTSTRAP], {
    cwd: folder,
    env: { AWS_LAMBDA_RUNTIME_API: api.address, LAMBDA_TASK_ROOT: folder, _HANDLER: name, ...environment },
  });
  children.push(child);
  return {
    child,
    ended: new Promise<number | null>((done) => child.once('exit', done)),
    said: text(child.stdout),
  };
}

async function local(input: string, name = 'handler.handle') {
  const child = spawn(process.execPath, [BOOTSTRAP, name], { cwd: folder, env: {} });
  children.push(child);
  child.stdin.end(input);
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  const [out, err, code] = await Promise.all([buffer(child.stdout), text(child.stderr), ended]);
  return { out: out.toString(), err, code };
}

describe('under the Runtime API', () => {
  it('answers one event after the other, and goes on after a throw', async () => {
    start();
    const first = await api.invoke({ n: 1 });
    expect(first).toMatchObject({ kind: 'response', body: '{"echo":{"n":1},"turn":1}' });
    const thrown = await api.invoke({ throw: 'too far' });
    expect(thrown).toMatchObject({ kind: 'error', errorType: 'Function.Error' });
    expect(JSON.parse(thrown.body)).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect(await api.invoke('text that is no JSON')).toMatchObject({ kind: 'error' });
    expect(JSON.parse((await api.invoke({ n: 2 })).body).turn).toBe(2);
  });

  it('says that an answer is too large, and goes on', async () => {
    start();
    const told = await api.invoke({ large: 7 * 1024 * 1024 });
    expect(told).toMatchObject({ kind: 'error', errorType: 'Function.ResponseSizeTooLarge' });
    expect(await api.invoke(1)).toMatchObject({ kind: 'response' });
  });

  it('goes on where its answer is refused', async () => {
    const { child, said } = start();
    void api.invoke({ n: 1 });
    api.giveUp();
    expect(JSON.parse((await api.invoke({ n: 2 })).body).turn).toBe(2);
    child.kill('SIGTERM');
    expect(await said).toContain('InvalidRequestID');
  });

  it('asks once more where its kept connection was closed', async () => {
    start();
    expect(await api.invoke(1)).toMatchObject({ kind: 'response' });
    api.breakOff(1);
    await until(async () => api.refused === 1);
    // Without a wait, and without a word.
    expect(await api.invoke(2)).toMatchObject({ kind: 'response' });
  });

  it('tells a handler what Lambda tells of who called', async () => {
    const known =
      '({ body: event }, { invokedFunctionArn, awsRequestId }) => ({ event, invokedFunctionArn, awsRequestId })';
    await writeFile(join(folder, 'known.mjs'), `export const handler = ${known};`);
    start({}, 'known.handler');
    expect(JSON.parse((await api.invoke(1)).body)).toEqual({
      event: 1,
      invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:test',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('takes the answer of a callback', async () => {
    const manifest = { path: 'called', version: '1.0.0', entry: 'called.mjs', event: 'payload' };
    await writeFile(join(folder, 'handler.json'), JSON.stringify(manifest));
    const called =
      'export const handler = (event, _, callback) => void setImmediate(callback, event.error, event);';
    await writeFile(join(folder, 'called.mjs'), called);
    start();
    expect(await api.invoke({ n: 1 })).toMatchObject({ kind: 'response', body: '{"n":1}' });
    expect(await api.invoke({ error: 'far' })).toMatchObject({ kind: 'error' });
  });

  it("keeps an author's log line whole, whatever its fields are", async () => {
    const logs = `export const handler = (event, context) => {
      const circle = {};
      circle.circle = circle;
      context.log('n', { n: 1n });
      context.log.warn('circle', circle);
      context.log('saved', { level: 'gold', message: 'other', requestId: 'zzz', timestamp: 0, mine: 1 });
      return 'done';
    };`;
    await writeFile(join(folder, 'logs.mjs'), logs);
    const { child, said } = start({}, 'logs.handler');
    expect(await api.invoke(1)).toMatchObject({ kind: 'response', body: '"done"' });
    child.kill('SIGTERM');
    const lines = (await said).trim().split('\n');
    const own = { timestamp: expect.any(String), requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) };
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...own, level: 'info', message: 'n', n: '1' },
      { ...own, level: 'warn', message: 'circle', fields: '(not JSON)' },
      { ...own, level: 'info', message: 'saved', mine: 1 },
    ]);
  });

  it('sets the trace id for what the handler calls, as long as it runs one event at a time', async () => {
    await writeFile(join(folder, 'trace.mjs'), 'export const handler = () => process.env._X_AMZN_TRACE_ID;');
    const traced = { 'Lambda-Runtime-Trace-Id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1' };
    const one = start({}, 'trace.handler');
    const { body } = await api.invoke(1, 30_000, traced);
    expect(JSON.parse(body)).toBe(traced['Lambda-Runtime-Trace-Id']);
    expect((await api.invoke(1)).body).toBe('null');
    one.child.kill('SIGTERM');
    await one.ended;
    start({ AWS_LAMBDA_MAX_CONCURRENCY: '2' }, 'trace.handler');
    expect((await api.invoke(1, 30_000, traced)).body).toBe('null');
  });

  it("gives the caller's context in its own letters, and takes one that cannot be read for none", async () => {
    await writeFile(
      join(folder, 'client.mjs'),
      'export const handler = (_, { clientContext = null }) => clientContext;',
    );
    start({}, 'client.handler');
    const asked = (context: string) =>
      api.invoke(1, 30_000, { 'Lambda-Runtime-Client-Context': Buffer.from(context).toString('latin1') });
    expect(await asked('{broken')).toMatchObject({ kind: 'response', body: 'null' });
    expect(JSON.parse((await asked('{"city":"Köln"}')).body)).toEqual({ city: 'Köln' });
  });

  it('tells an error that is too large as one, and goes on', async () => {
    const large = "export const handler = (_, context) => context('FAIL', 'x'.repeat(7 * 1024 * 1024));";
    await writeFile(join(folder, 'large.mjs'), large);
    start({}, 'large.handler');
    expect(await api.invoke(1)).toMatchObject({
      kind: 'error',
      errorType: 'Function.ResponseSizeTooLarge',
    });
  });

  it('recovers when polls are broken off', async () => {
    start();
    expect(await api.invoke(1)).toMatchObject({ kind: 'response' });
    api.breakOff(3);
    await until(async () => api.refused === 3);
    expect(JSON.parse((await api.invoke(2)).body).turn).toBe(2);
  });

  it('polls several times at once where Lambda allows that', async () => {
    start({ AWS_LAMBDA_MAX_CONCURRENCY: '3' });
    // The first can end only while the second runs.
    const [first, second] = await Promise.all([api.invoke({ meet: true }), api.invoke(2)]);
    expect([first.kind, second.kind]).toEqual(['response', 'response']);
  });

  it('tells who waits when something is thrown where nobody can catch it, and ends', async () => {
    const { ended } = start();
    const told = await api.invoke({ loose: true });
    expect(told).toMatchObject({ kind: 'error', errorType: 'Runtime.UnhandledError' });
    expect(JSON.parse(told.body)).toMatchObject({ errorMessage: 'loose' });
    expect(await ended).toBe(1);
  });

  it('tells it also where more is thrown meanwhile', async () => {
    const { ended, said } = start();
    expect(JSON.parse((await api.invoke({ loose: 2 })).body).errorMessage).toBe('loose');
    expect(await ended).toBe(1);
    expect(await said).toContain('another');
  });

  it('tells that the handler cannot be loaded, and ends', async () => {
    await writeFile(join(folder, 'broken.mjs'), 'throw new Error("not today");');
    expect(await start({}, 'broken.handle').ended).toBe(1);
    expect(await start({}, 'nowhere.handle').ended).toBe(1);
    expect(await start({}, 'handler.other').ended).toBe(1);
    expect(api.initErrors.map(({ errorType }) => errorType)).toEqual(Array(3).fill('Runtime.InitError'));
    expect(api.initErrors.map(({ body }) => JSON.parse(body).errorType)).toEqual([
      'Runtime.LoadFailed',
      'Runtime.LoadFailed',
      'Runtime.NoHandler',
    ]);
    expect(api.initErrors[0]?.body).toContain('not today');
  });

  it('ends in order at SIGTERM', async () => {
    const { child, ended } = start();
    expect(await api.invoke(1)).toMatchObject({ kind: 'response' });
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

describe('where its callers take answers in pieces', () => {
  const PIECES = `export const handle = async function* (event) {
    yield 'one ';
    if (event?.large) for (let n = 0; n < 120; n++) yield new Uint8Array(65_536).fill(120);
    // Another turn: what one turn gives is sent together, and an error within it is an error of the whole.
    if (event?.broken) await new Promise((done) => setTimeout(done, 20));
    if (event?.broken) throw new RangeError('too far');
    yield 'two';
  };`;
  const streaming = async () => {
    await writeFile(join(folder, 'pieces.mjs'), PIECES);
    return start({ LAMBDA_RESPONSE_STREAM: 'yes' }, 'pieces.handle');
  };

  it('gives a function URL the head first, then each piece', async () => {
    await streaming();
    const { mode, contentType, body, trailers } = await api.invoke(HTTP);
    expect([mode, contentType, trailers]).toEqual([
      'streaming',
      'application/vnd.awslambda.http-integration-response',
      {},
    ]);
    const [head = '', ...rest] = body.split('\0'.repeat(8));
    expect(JSON.parse(head)).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
    expect(rest).toEqual(['one two']);
  });

  it('has no bound on its size', async () => {
    await streaming();
    const { kind, body } = await api.invoke({ large: true });
    expect([kind, body.length]).toEqual(['response', 7 + 120 * 65_536]);
  });

  it('tells behind them what broke them off, and goes on', async () => {
    await streaming();
    const { body, trailers = {} } = await api.invoke({ broken: true });
    expect([body, trailers['lambda-runtime-function-error-type']]).toEqual(['one ', 'Function.Error']);
    const told = Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString();
    expect(JSON.parse(told)).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect(await api.invoke({})).toMatchObject({ body: 'one two' });
  });

  it('gives what a function writes into its stream as that says itself', async () => {
    const streams = `export const handle = awslambda.streamifyResponse(async (event, stream) => {
      const head = { statusCode: 203, headers: { 'x-path': event.rawPath }, cookies: ['a=1'] };
      awslambda.HttpResponseStream.from(stream, head).end('text');
    });`;
    const manifest = { path: 'streams', version: '1.0.0', entry: 'streams.mjs', event: 'apigateway-v2' };
    await writeFile(join(folder, 'streams.mjs'), streams);
    await writeFile(join(folder, 'handler.json'), JSON.stringify(manifest));
    start();
    const { mode, body } = await api.invoke(HTTP);
    const [head = '', ...rest] = body.split('\0'.repeat(8));
    const stated = { 'content-type': 'application/octet-stream', 'x-path': '/' };
    expect([mode, JSON.parse(head), rest]).toEqual([
      'streaming',
      { statusCode: 203, headers: stated, cookies: ['a=1'] },
      ['text'],
    ]);
    const { out, code } = await local(JSON.stringify(HTTP));
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      {
        statusCode: 203,
        headers: stated,
        body: Buffer.from('text').toString('base64'),
        isBase64Encoded: true,
      },
    ]);
  });

  it('sends the others whole', async () => {
    start({ LAMBDA_RESPONSE_STREAM: 'yes' });
    expect(await api.invoke({ n: 1 })).toMatchObject({ body: '{"echo":{"n":1},"turn":1}', mode: undefined });
  });
});

describe('without it', () => {
  it('runs one event of stdin and prints the answer, whatever the handler prints', async () => {
    const { out, err, code } = await local('{"name":"Ada"}');
    expect([JSON.parse(out), code]).toEqual([{ echo: { name: 'Ada' }, turn: 1 }, 0]);
    expect(err).toContain('turn 1');
  });

  it('takes nothing for an empty event', async () => {
    expect(JSON.parse((await local(' \n')).out)).toEqual({ echo: {}, turn: 1 });
  });

  it('answers an error with 500 and what was thrown, and tells the reason on stderr', async () => {
    const { out, err, code } = await local('{"throw":"too far"}');
    const { statusCode, body } = JSON.parse(out);
    expect([statusCode, code]).toEqual([500, 1]);
    expect(JSON.parse(body)).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect(err).toContain('RangeError: too far');
  });

  it("ends with 1 for the handler's own no and for messages given back, whatever the form of the event", async () => {
    const no = "export const handle = (_, context) => context('FAIL', { error: 'gone' }, { status: 404 });";
    await writeFile(join(folder, 'no.mjs'), no);
    const overHttp = await local(JSON.stringify(HTTP), 'no.handle');
    expect([JSON.parse(overHttp.out).statusCode, overHttp.code]).toEqual([404, 1]);
    expect((await local('{}', 'no.handle')).code).toBe(1);
    const records = { Records: [{ messageId: '1', body: 'a', eventSource: 'aws:sqs' }] };
    const { out, code } = await local(JSON.stringify(records), 'no.handle');
    expect([JSON.parse(out), code]).toEqual([{ batchItemFailures: [{ itemIdentifier: '1' }] }, 1]);
    expect((await local(JSON.stringify(records))).code).toBe(0);
  });

  it('says why a handler cannot be loaded', async () => {
    const { out, err, code } = await local('{}', 'nowhere.handle');
    expect([out, code]).toEqual(['', 1]);
    expect(err).toContain('_HANDLER');
  });
});
