import { once } from 'node:events';
import { connect } from 'node:net';
import {
  GetFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type InvokeCommandOutput,
  LambdaClient,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';

/* AWS's own client, unmodified but for its endpoint, calls handlers and waits for their answers. */

const HANDLERS: Record<string, string> = {
  'users/find':
    '(event, context) => event.query.id ? context("OK", { id: event.query.id }) : context("FAIL", { error: "Missing ?id=" })',
  echo: '({ source, body, query, attributes }) => ({ source, body, query, attributes })',
  text: '() => "grüß"',
  said: '(_, context) => context("OK", "said")',
  nothing: '() => {}',
  bytes: '() => new Uint8Array([0, 255])',
  'http/answer': '() => ({ statusCode: 201, headers: { a: "b" }, body: "made" })',
  throws: '() => { throw new RangeError("out of reach") }',
  circular: '() => { const a = {}; a.a = a; return a }',
  slow: '() => new Promise(() => {})',
  ends: '() => process.exit(3)',
  large: `() => "x".repeat(${6 * 1024 * 1024 + 200})`,
  counts: '() => (globalThis.runs = (globalThis.runs ?? 0) + 1)',
  logs: '(_, { log }) => { for (let i = 0; i < 200; i++) log("line " + i, { i }); log.error("grüß"); }',
  context:
    '(_, c) => ({ id: c.awsRequestId, name: c.functionName, version: c.functionVersion, arn: c.invokedFunctionArn, client: c.clientContext, left: c.getRemainingTimeInMillis() })',
  'a/b-c': '() => "a/b-c"',
  'a-b/c': '() => "a-b/c"',
  'a-d': '() => "a-d"',
  'a/d': '() => "a/d"',
};

let world: Mesh;
let client: LambdaClient;
beforeAll(async () => {
  world = await mesh(
    async ({ publish }) => {
      for (const [path, code] of Object.entries(HANDLERS)) {
        const limits = path === 'slow' ? { limits: { timeoutMs: 200 } } : {};
        await publish({ path, version: '1.0.0', ...limits }, `export default ${code}`);
      }
      const first = await publish({ path: 'which', version: '1.0.0' }, 'export default () => "one"');
      const { versions } = await publish({ path: 'which', version: '2.0.0' }, 'export default () => "two"');
      const canary = { ...versions[0], weight: 0 } as (typeof versions)[number];
      await publish({ path: 'which', version: '1.0.0' }, 'export default () => "one"', {
        versions: [...first.versions, canary],
        aliases: { canary: '2.0.0' },
      });
    },
    { MESH_ISOLATION: 'thread' },
  );
  client = clientOf(world.url);
});
afterAll(closeAll);

function clientOf(endpoint: string): LambdaClient {
  const made = new LambdaClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  });
  later(() => made.destroy());
  return made;
}

const invoke = (FunctionName: string, payload?: unknown, more: Partial<InvokeCommandInput> = {}) =>
  client.send(
    new InvokeCommand({
      FunctionName,
      ...(payload === undefined ? {} : { Payload: JSON.stringify(payload) }),
      ...more,
    }),
  );
const textOf = ({ Payload }: InvokeCommandOutput): string => Payload?.transformToString() ?? '';
const payloadOf = (answer: InvokeCommandOutput): unknown => JSON.parse(textOf(answer));

/** What the client throws, of which the name and the status are what programs go by. */
async function refusalOf(call: Promise<unknown>): Promise<{ name: string; status: number; message: string }> {
  const error = await call.then(
    () => Promise.reject(new Error('It was accepted.')),
    (thrown: Error & { $metadata: { httpStatusCode: number } }) => thrown,
  );
  return { name: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
}

describe('an answer', () => {
  it('is what the handler returned, with the version that ran', async () => {
    const answer = await invoke('users/find', { id: 42 });
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '1.0.0' });
    expect(answer.FunctionError).toBeUndefined();
    expect(payloadOf(answer)).toEqual({ id: '42' });
    expect(answer.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('of a handler sees the source, the payload and its fields as the query', async () => {
    expect(payloadOf(await invoke('echo', { a: 1, b: { c: [true] } }))).toEqual({
      source: 'lambda',
      body: { a: 1, b: { c: [true] } },
      query: { a: '1' },
      attributes: { invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:echo' },
    });
    // Nothing is an empty object.
    expect(payloadOf(await invoke('echo'))).toMatchObject({ body: {} });
    expect(payloadOf(await invoke('echo', 'text'))).toMatchObject({ body: 'text' });
  });

  it.each([
    ['text', '"grüß"'],
    ['said', '"said"'],
    ['nothing', 'null'],
    ['http/answer', '{"statusCode":201,"headers":{"a":"b"},"body":"made"}'],
  ])('of %s is %s', async (path, payload) => {
    const answer = await invoke(path);
    expect([answer.StatusCode, answer.FunctionError, textOf(answer)]).toEqual([200, undefined, payload]);
  });

  it('of bytes is those bytes', async () => {
    expect([...((await invoke('bytes')).Payload ?? [])]).toEqual([0, 255]);
  });
});

describe('a function error', () => {
  it('is Handled where the handler said FAIL, with its own body', async () => {
    const answer = await invoke('users/find', {});
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Handled', ExecutedVersion: '1.0.0' });
    expect(payloadOf(answer)).toEqual({ error: 'Missing ?id=' });
  });

  it('is Unhandled where it threw, and says what, not where', async () => {
    const answer = await invoke('throws');
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '1.0.0' });
    expect(payloadOf(answer)).toEqual({ errorType: 'RangeError', errorMessage: 'out of reach', trace: [] });
    // Who calls otherwise is not told.
    expect(await (await fetch(`${world.url}/throws`)).text()).not.toContain('reach');
  });

  it.each([
    ['slow', 'Sandbox.Timedout'],
    ['ends', 'Runtime.ExitError'],
    ['circular', 'Runtime.MarshalError'],
    ['large', 'Function.ResponseSizeTooLarge'],
  ])('of %s is %s', async (path, errorType) => {
    const answer = await invoke(path);
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    const { errorMessage, ...error } = payloadOf(answer) as { errorMessage: string };
    expect(error).toEqual({ errorType, trace: [] });
    expect(errorMessage).toMatch(new RegExp(`^RequestId: ${answer.$metadata.requestId} Error: .+`));
  });
});

describe('a function', () => {
  it.each([
    ['users/find', undefined],
    ['users-find', undefined],
    ['users/find:1.0.0', undefined],
    ['users/find@1.0.0', undefined],
    ['users/find', '1.0.0'],
    ['users/find', '$LATEST'],
    ['function:users-find', undefined],
    ['000000000000:function:users-find', undefined],
    ['arn:aws:lambda:us-east-1:000000000000:function:users-find', undefined],
    ['arn:aws:lambda:us-east-1:000000000000:function:users/find:1.0.0', undefined],
  ])('is found as %s with the qualifier %s', async (name, Qualifier) => {
    const answer = await invoke(name, { id: 1 }, Qualifier === undefined ? {} : { Qualifier });
    expect(payloadOf(answer)).toEqual({ id: '1' });
  });

  it('of that very name goes before one that only looks like it', async () => {
    expect(payloadOf(await invoke('a-d'))).toBe('a-d');
    expect(payloadOf(await invoke('a/d'))).toBe('a/d');
  });

  it.each(['1.0.0', '2.0.0', 'canary'])('answers in the version %s', async (Qualifier) => {
    const answer = await invoke('which', {}, { Qualifier });
    const version = Qualifier === '1.0.0' ? '1.0.0' : '2.0.0';
    expect(answer.ExecutedVersion).toBe(version);
    expect(payloadOf(answer)).toBe(version === '1.0.0' ? 'one' : 'two');
    const named = await invoke(`arn:aws:lambda:us-east-1:000000000000:function:which:${Qualifier}`);
    expect(named.ExecutedVersion).toBe(version);
  });

  it.each([
    ['nobody', undefined, 'ResourceNotFoundException', 404],
    // Two handlers could be meant.
    ['a-b-c', undefined, 'ResourceNotFoundException', 404],
    ['which', '9.9.9', 'ResourceNotFoundException', 404],
    ['which', 'nightly', 'ResourceNotFoundException', 404],
    ['which:1.0.0', '2.0.0', 'InvalidParameterValueException', 400],
    ['which', 'no such!', 'InvalidParameterValueException', 400],
  ])('%s with the qualifier %s is refused as %s', async (name, Qualifier, error, status) => {
    const call = invoke(name, {}, Qualifier === undefined ? {} : { Qualifier });
    expect(await refusalOf(call)).toMatchObject({ name: error, status, message: expect.any(String) });
  });

  it('knows its context as on Lambda', async () => {
    const ClientContext = Buffer.from(JSON.stringify({ custom: { who: 'Ada' } })).toString('base64');
    const answer = await invoke('context', {}, { ClientContext, Qualifier: '1.0.0' });
    const { left, ...context } = payloadOf(answer) as { left: number };
    expect(context).toEqual({
      id: answer.$metadata.requestId,
      name: 'context',
      version: '1.0.0',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:context:1.0.0',
      client: { custom: { who: 'Ada' } },
    });
    expect(left).toBeGreaterThan(1_000);
    expect(left).toBeLessThanOrEqual(30_000);
  });
});

describe('the log tail', () => {
  it('is the last 4 KB that this run logged', async () => {
    const { LogResult = '', $metadata } = await invoke('logs', {}, { LogType: 'Tail' });
    const bytes = Buffer.from(LogResult, 'base64');
    expect(bytes.length).toBe(4_096);
    const lines = bytes.toString().split('\n');
    expect(lines.at(-5)).toMatch(new RegExp(`^\\S+\\t${$metadata.requestId}\\tINFO\\tline 199 {"i":199}$`));
    expect(lines.at(-4)).toMatch(/\tERROR\tgrüß$/);
    expect(lines.at(-3)).toBe(`END RequestId: ${$metadata.requestId}`);
    expect(lines.at(-2)).toMatch(/^REPORT RequestId: \S+\tDuration: [\d.]+ ms$/);
  });

  it('is there for a run that failed, too, and for none that did not ask', async () => {
    const failed = await invoke('slow', {}, { LogType: 'Tail' });
    expect(Buffer.from(failed.LogResult ?? '', 'base64').toString()).toContain('START RequestId');
    expect((await invoke('logs')).LogResult).toBeUndefined();
  });
});

describe('a request that is no invocation', () => {
  const post = (
    headers: Record<string, string>,
    body = '{}',
    path = '/2015-03-31/functions/echo/invocations',
  ) => fetch(world.url + path, { method: 'POST', headers, body });

  it.each<[string, Record<string, string>, string, number, string]>([
    ['no JSON', {}, '{', 400, 'InvalidRequestContentException'],
    ['no UTF-8', {}, '\ud800"', 400, 'InvalidRequestContentException'],
    ['no type', { 'x-amz-invocation-type': 'Later' }, '{}', 400, 'InvalidParameterValueException'],
    ['no log type', { 'x-amz-log-type': 'Head' }, '{}', 400, 'InvalidParameterValueException'],
    ['no client context', { 'x-amz-client-context': 'bm8=' }, '{}', 400, 'InvalidRequestContentException'],
    [
      'too much client context',
      { 'x-amz-client-context': 'A'.repeat(3_584) },
      '{}',
      400,
      'InvalidRequestContentException',
    ],
    ['a coding', { 'content-encoding': 'gzip' }, '{}', 415, 'UnsupportedMediaTypeException'],
  ])('%s is refused', async (_, headers, body, status, type) => {
    const response = await post(headers, body);
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([status, type]);
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await response.json()).toMatchObject({ Type: 'User', message: expect.any(String) });
  });

  it('is refused as too large beyond 6 MB, or 1 MB where nobody waits', async () => {
    const payload = 'x'.repeat(6 * 1024 * 1024);
    expect(await refusalOf(invoke('echo', payload))).toMatchObject({
      name: 'RequestTooLargeException',
      status: 413,
    });
    const half = 'x'.repeat(1024 * 1024);
    expect(await refusalOf(invoke('echo', half, { InvocationType: 'Event' }))).toMatchObject({
      name: 'RequestTooLargeException',
      status: 413,
    });
    expect(await invoke('nothing', half)).toMatchObject({ StatusCode: 200 });
  });

  it.each([
    'users.find',
    'users.*',
    '>',
    'users/find/../which',
    'users%2Ffind',
    'a'.repeat(2_000),
    'us ers',
    '\0',
    '$SYS',
    '__proto__',
    'constructor',
    'arn:aws:lambda:us-east-1:000000000000:function:',
    'users/find:1.0.0:2.0.0',
    'users/find@1.0.0 mesh.work.users.find',
  ])('names nobody by %j', async (name) => {
    const response = await post({}, '{}', `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`);
    expect([400, 404]).toContain(response.status);
    expect(response.headers.get('x-amzn-errortype')).toMatch(
      /^(ResourceNotFound|InvalidParameterValue)Exception$/,
    );
  });

  it('is refused where there is no such operation', async () => {
    const response = await post({}, '{}', '/2015-03-31/functions/echo/policy');
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([
      404,
      'UnknownOperationException',
    ]);
  });
});

describe('DryRun', () => {
  it('says whether the function is there, and runs nothing', async () => {
    expect(payloadOf(await invoke('counts'))).toBe(1);
    const answer = await invoke('counts', { a: 1 }, { InvocationType: 'DryRun' });
    expect(answer.StatusCode).toBe(204);
    expect(textOf(answer)).toBe('');
    expect(payloadOf(await invoke('counts'))).toBe(2);
    expect(await refusalOf(invoke('nobody', {}, { InvocationType: 'DryRun' }))).toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('the metrics', () => {
  const counted = async (label: string): Promise<boolean> =>
    (await (await fetch(`${world.url}/metrics`)).text()).includes(
      `mesh_http_request_duration_seconds_count{service="ingress-http",${label}} `,
    );

  it('count a call under its handler, and one that is for nobody under none', async () => {
    await invoke('users-find', { id: 1 });
    expect(await counted('path="users/find",status="200"')).toBe(true);
    await refusalOf(invoke('nobody'));
    expect(await counted('path="",status="404"')).toBe(true);
    expect(await counted('path="nobody",status="404"')).toBe(false);
  });

  it('count a client that breaks off its payload as one that went away', async () => {
    const { hostname, port } = new URL(world.url);
    const client = connect(Number(port), hostname);
    later(() => client.destroy());
    client.write(
      'POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n',
    );
    // Now the body is waited for.
    await once(client, 'data');
    client.destroy();
    await until(() => counted('path="",status="499"'), Boolean);
  });
});

describe('what tools ask', () => {
  it('is answered from the routing table', async () => {
    const names: (string | undefined)[] = [];
    for await (const { Functions = [] } of paginateListFunctions({ client }, {}))
      names.push(...Functions.map(({ FunctionName }) => FunctionName));
    expect(names).toEqual([...Object.keys(HANDLERS), 'which'].sort());
    const { Configuration } = await client.send(
      new GetFunctionCommand({ FunctionName: 'users-find', Qualifier: '1.0.0' }),
    );
    expect(Configuration).toMatchObject({
      FunctionName: 'users/find',
      FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:users/find:1.0.0',
      Version: '1.0.0',
      Runtime: 'nodejs24.x',
      State: 'Active',
      Timeout: 30,
    });
  });
});
