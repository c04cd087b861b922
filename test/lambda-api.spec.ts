import {
  InvokeCommand,
  type InvokeCommandInput,
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamResponseEvent,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '#contracts';
import { settings } from '../apps/ingress-http/src/config.js';
import { start } from '../apps/ingress-http/src/ingress-http.js';
import { closeAll, later, until } from './fixtures/later.js';
import { catalogue, type Environment, executor, ingress, loginOf } from './fixtures/mesh.js';
import { streams } from './http-async.fixture.js';

/* What is around an invocation by AWS's own client: work, signatures, outages, and answers in pieces. */

const KEY = { accessKeyId: 'AKIAMESH', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY=' };
const CREDENTIALS = {
  MESH_LAMBDA_CREDENTIALS: `OTHER:othersecret,${KEY.accessKeyId}:${KEY.secretAccessKey}`,
};

function clientOf(endpoint: string, credentials = KEY, more: { maxAttempts?: number } = {}): LambdaClient {
  const client = new LambdaClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1, ...more });
  later(() => client.destroy());
  return client;
}

const invoke = (client: LambdaClient, FunctionName: string, more: Partial<InvokeCommandInput> = {}) =>
  client.send(new InvokeCommand({ FunctionName, ...more }));

const HANDLERS: Record<string, string> = {
  'users/find': '(event) => ({ id: event.query.id, source: event.source })',
  fails: '(_, context) => context("FAIL", { error: "no" })',
  ticks: 'async function* () { yield "one,"; yield "two,"; yield new Uint8Array([33]); }',
  refuses:
    '(_, context) => context("FAIL", (async function* () { yield "why"; await new Promise(setImmediate); yield "more" })())',
  breaks:
    'async function* () { yield "one"; await new Promise((later) => setTimeout(later, 100)); throw new Error("in the middle") }',
  throws: '() => { throw new RangeError("out of reach") }',
  endless:
    'async function* (_, { signal }) { try { for (;;) yield "x".repeat(1000); } finally { globalThis.ended = true } }',
  ended: '() => String(globalThis.ended)',
  said: '(_, context) => context("OK", "said")',
  'refuses/long': `(_, context) => context("FAIL", (async function* () { for (;;) yield "x".repeat(${512 * 1024}) })())`,
  large: `async function* () { for (;;) yield "x".repeat(${512 * 1024}) }`,
};

async function world(environment: Environment = {}, withStreams = false) {
  const of = await catalogue();
  if (withStreams) await streams(of);
  for (const [path, code] of Object.entries(HANDLERS))
    await of.publish({ path, version: '1.0.0' }, `export default ${code}`);
  const running = await executor(of);
  const http = await ingress(of, environment);
  return { of, executor: running, ingress: http, url: http.url, client: clientOf(http.url) };
}

/** The operations that are about one handler, by their addresses. */
const operationsOn = (name: string): [method: string, path: string][] => [
  ['POST', `/2015-03-31/functions/${name}/invocations`],
  ['POST', `/2021-11-15/functions/${name}/response-streaming-invocations`],
  ['GET', `/2015-03-31/functions/${name}`],
  ['GET', `/2015-03-31/functions/${name}/configuration`],
];

const nameOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: Error) => error.name,
  );

describe('an Event', () => {
  let url: string;
  let client: LambdaClient;
  beforeAll(async () => {
    ({ url, client } = await world({}, true));
  });
  afterAll(closeAll);

  it('is accepted when the stream has it, and is done like other work', async () => {
    const accepted = await invoke(client, 'users-find', { InvocationType: 'Event', Payload: '{"id":42}' });
    expect(accepted).toMatchObject({ StatusCode: 202 });
    const { requestId } = accepted.$metadata;
    const state = await fetch(`${url}/invocations/${requestId}`, { headers: { prefer: 'wait=20' } });
    expect(await state.json()).toMatchObject({
      path: 'users/find',
      status: 'done',
      attempts: 1,
      result: { outcome: 'ok', body: { id: '42', source: 'lambda' } },
    });
  });

  it('of a function that is not there, or without JSON, is refused at once', async () => {
    expect(await nameOf(invoke(client, 'nobody', { InvocationType: 'Event' }))).toBe(
      'ResourceNotFoundException',
    );
    expect(await nameOf(invoke(client, 'users/find', { InvocationType: 'Event', Payload: '{' }))).toBe(
      'InvalidRequestContentException',
    );
    expect(await nameOf(invoke(client, 'users/find', { InvocationType: 'Event', Qualifier: '9.0.0' }))).toBe(
      'ResourceNotFoundException',
    );
  });
});

describe('a signature', () => {
  let url: string;
  let client: LambdaClient;
  beforeAll(async () => {
    ({ url, client } = await world(CREDENTIALS));
  });
  afterAll(closeAll);

  it("is asked for where credentials are configured, and is AWS's own", async () => {
    const more = { Payload: '{"id":"ü"}', Qualifier: '1.0.0', LogType: 'Tail' } as const;
    expect((await invoke(client, 'users/find', more)).Payload?.transformToString()).toContain('"ü"');
    expect((await invoke(client, 'users/find', { InvocationType: 'DryRun' })).StatusCode).toBe(204);
    const unsigned = await fetch(`${url}/2015-03-31/functions/users%2Ffind/invocations`, { method: 'POST' });
    expect([unsigned.status, unsigned.headers.get('x-amzn-errortype')]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
    // Other callers need none.
    expect((await fetch(`${url}/users/find?id=1`)).status).toBe(200);
  });

  it.each([
    [{ ...KEY, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCZ=' }, 'InvalidSignatureException'],
    [{ ...KEY, accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException'],
  ])('by %j is refused', async (credentials, name) => {
    expect(await nameOf(invoke(clientOf(url, credentials), 'users/find'))).toBe(name);
  });

  it('covers the payload, the headers and the query', async () => {
    const own = clientOf(url);
    for (const change of ['body', 'header', 'query', 'path'] as const) {
      own.middlewareStack.add(
        (next) => async (args) => {
          const request = args.request as {
            body: unknown;
            headers: Record<string, string>;
            query: object;
            path: string;
          };
          if (change === 'body') request.body = '{"id":2}';
          if (change === 'header') request.headers['x-amz-log-type'] = 'Tail';
          if (change === 'query') request.query = { Qualifier: '1.0.0' };
          if (change === 'path') request.path = '/2015-03-31/functions/fails/invocations';
          delete request.headers['content-length'];
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low', name: 'change', override: true },
      );
      expect([change, await nameOf(invoke(own, 'users/find', { Payload: '{"id":1}' }))]).toEqual([
        change,
        'InvalidSignatureException',
      ]);
    }
  });

  it('counts for five minutes', async () => {
    for (const [systemClockOffset, name] of [
      [-4 * 60_000, 'accepted'],
      [-6 * 60_000, 'InvalidSignatureException'],
      [6 * 60_000, 'InvalidSignatureException'],
    ] as const) {
      const own = clientOf(url);
      own.config.systemClockOffset = systemClockOffset;
      expect([systemClockOffset, await nameOf(invoke(own, 'users/find'))]).toEqual([systemClockOffset, name]);
    }
  });
});

describe('a trigger whose path begins with a parameter', () => {
  afterEach(closeAll);

  it('takes nothing that is for the mesh itself', async () => {
    const of = await catalogue();
    await streams(of);
    await of.publish({ path: 'payments', version: '1.0.0' }, 'export default () => "paid"');
    await of.publish(
      {
        path: 'grab',
        version: '1.0.0',
        triggers: ['/{a}', '/{tenant}/{id}', '/{a}/{b}/{c}', '/{a}/{b}/{c}/{d}'].map((path) => ({
          http: { path },
        })),
      },
      'export default () => "grabbed"',
    );
    await executor(of);
    const { url } = await ingress(of, CREDENTIALS);
    for (const [method, path] of [...operationsOn('payments'), ['GET', '/2015-03-31/functions/'] as const]) {
      const { status, headers } = await fetch(url + path, { method });
      const type = headers.get('x-amzn-errortype');
      expect([path, status, type]).toEqual([path, 403, 'MissingAuthenticationTokenException']);
    }
    const paid = await invoke(clientOf(url), 'payments');
    expect(paid.Payload?.transformToString()).toBe('"paid"');
    const { requestId } = (await invoke(clientOf(url), 'payments', { InvocationType: 'Event' })).$metadata;
    const state = await fetch(`${url}/invocations/${requestId}`, { headers: { prefer: 'wait=20' } });
    expect(await state.json()).toMatchObject({ path: 'payments', status: 'done' });
    const result = await fetch(`${url}/invocations/${requestId}/result`);
    expect(await result.text()).toBe('"paid"');
    expect(await (await fetch(`${url}/some/one`)).text()).toBe('grabbed');
  });
});

describe('without credentials', () => {
  afterEach(closeAll);

  it('the API is closed where others could reach it', async () => {
    const of = await catalogue();
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => 1');
    const config = readConfig('ingress-http', settings, {
      ...loginOf(of.nats, 'ingress'),
      MESH_HTTP_PORT: '0',
      MESH_HTTP_HOST: '0.0.0.0',
      MESH_HTTP_OPEN: 'yes',
    });
    const { url, stop } = await start(config);
    later(stop);
    expect(await nameOf(invoke(clientOf(url), 'users/find'))).toBe('AccessDeniedException');
  });

  it('the token of all other calls is asked for', async () => {
    const { url, client } = await world({ MESH_HTTP_TOKEN: 'secret-token' });
    expect(await nameOf(invoke(client, 'users/find'))).toBe('MissingAuthenticationTokenException');
    const response = await fetch(`${url}/2015-03-31/functions/users-find/invocations`, {
      method: 'POST',
      headers: { authorization: 'Bearer secret-token' },
    });
    expect([response.status, await response.json()]).toEqual([200, { source: 'lambda' }]);
  });
});

describe('a mesh that cannot run it', () => {
  afterEach(closeAll);

  it('an Event is not accepted where no stream takes it', async () => {
    const { client } = await world();
    expect(await nameOf(invoke(client, 'users/find', { InvocationType: 'Event' }))).toBe('ServiceException');
  });

  it('answers a ServiceException that the client tries again', async () => {
    const of = await catalogue();
    await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => 1');
    const { url } = await ingress(of);
    const error = await invoke(clientOf(url, KEY, { maxAttempts: 2 }), 'users/find').catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({
      name: 'ServiceException',
      $metadata: { httpStatusCode: 503, attempts: 2 },
    });
    expect(error.$retryable ?? error.$fault).toBeDefined();
  });
});

describe('InvokeWithResponseStream', () => {
  let url: string;
  let client: LambdaClient;
  beforeAll(async () => {
    ({ url, client } = await world());
  });
  afterAll(closeAll);

  const open = (FunctionName: string) =>
    client.send(new InvokeWithResponseStreamCommand({ FunctionName, LogType: 'Tail' }));
  async function eventsOf(name: string): Promise<[text: string, complete: object]> {
    const { EventStream = [] } = await open(name);
    const events: InvokeWithResponseStreamResponseEvent[] = [];
    for await (const event of EventStream as AsyncIterable<InvokeWithResponseStreamResponseEvent>)
      events.push(event);
    const text = events.flatMap(({ PayloadChunk }) => PayloadChunk?.Payload ?? []);
    return [Buffer.concat(text).toString(), events.at(-1)?.InvokeComplete ?? {}];
  }

  it('gives an answer as it comes', async () => {
    const answer = await open('ticks');
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '1.0.0' });
    const [text, complete] = await eventsOf('ticks');
    expect([text, complete]).toEqual(['one,two,!', { LogResult: expect.any(String) }]);
    expect((await eventsOf('users/find'))[0]).toBe('{"source":"lambda"}');
  });

  it('tells errors at the end', async () => {
    expect(await eventsOf('breaks')).toEqual([
      'one',
      expect.objectContaining({ ErrorCode: expect.any(String), ErrorDetails: expect.any(String) }),
    ]);
    const [text, complete] = await eventsOf('throws');
    expect([text, complete]).toMatchObject(['', { ErrorCode: 'Unhandled' }]);
    expect(JSON.stringify(complete)).toContain('out of reach');
    expect(await eventsOf('fails')).toMatchObject([
      '',
      { ErrorCode: 'Handled', ErrorDetails: '{"error":"no"}' },
    ]);
    expect(await nameOf(open('nobody'))).toBe('ResourceNotFoundException');
  });

  it('tells all of a FAIL that comes in pieces, and then nothing of it is left to wait for', async () => {
    const own = await world();
    const command = new InvokeWithResponseStreamCommand({ FunctionName: 'refuses' });
    const { EventStream = [] } = await own.client.send(command);
    const events: InvokeWithResponseStreamResponseEvent[] = [];
    for await (const event of EventStream as AsyncIterable<InvokeWithResponseStreamResponseEvent>)
      events.push(event);
    expect(events).toEqual([{ InvokeComplete: { ErrorCode: 'Handled', ErrorDetails: '"whymore"' } }]);
    await own.ingress.stop();
    await own.executor.stop();
  });

  it('gives text as it is, of which Invoke makes JSON, however it came', async () => {
    expect((await eventsOf('said'))[0]).toBe('said');
    expect((await invoke(client, 'said')).Payload?.transformToString()).toBe('"said"');
  });

  it('of what is larger than Invoke takes is told in its own framing', async () => {
    expect(await eventsOf('refuses/long')).toMatchObject(['', { ErrorCode: 'Unhandled' }]);
  });

  it('of a client that goes away ends its handler', async () => {
    const path = '/2021-11-15/functions/endless/response-streaming-invocations';
    const gone = new AbortController();
    const response = await fetch(url + path, { method: 'POST', signal: gone.signal });
    await response.body?.getReader().read();
    gone.abort();
    await until(
      async () => (await invoke(client, 'ended')).Payload?.transformToString(),
      (ended) => ended === '"true"',
    );
  });

  it('and Invoke gathers what comes in pieces, as far as it is let', async () => {
    expect((await invoke(client, 'ticks')).Payload?.transformToString()).toBe('"one,two,!"');
    expect(await invoke(client, 'large')).toMatchObject({ FunctionError: 'Unhandled' });
  });
});
