import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';

/* Functions that do not answer by what they return, in each kind of isolation. */

const FUNCTIONS = {
  callback: [
    'apigateway-v1',
    `export const handler = (event, context, callback) => {
       context.callbackWaitsForEmptyEventLoop = false;
       setInterval(() => undefined, 1000).unref();
       setImmediate(() => callback(event.path === '/callback' ? null : new RangeError('far'), { statusCode: 203, body: event.path ?? '' }));
       return 'nothing';
     };`,
  ],
} as const;

/** Packed: it is loaded for that, too. */
const STREAMS = `
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const { large, broken } = event.queryStringParameters ?? {};
  if (broken) throw new RangeError('far');
  const metadata = { statusCode: 203, headers: { 'content-type': 'text/html', 'x-by': context.functionName }, cookies: ['a=1'] };
  const head = awslambda.HttpResponseStream.from(stream, metadata);
  await pipeline(Readable.from(large ? Array(240).fill(Buffer.alloc(65536, 'x')) : ['one ', 'two']), head);
});`;

describe.each(['inline', 'thread', 'process'])('in isolation by %s', (isolation) => {
  let world: Mesh;
  beforeAll(async () => {
    world = await mesh(
      async ({ publish, publishSource }) => {
        await publishSource(STREAMS, { mesh: { path: 'streams', event: 'apigateway-v2' } });
        for (const [path, [event, code]] of Object.entries(FUNCTIONS))
          await publish({ path, version: '1.0.0', event }, code);
      },
      { MESH_ISOLATION: isolation },
    );
  });
  afterAll(closeAll);

  const invoked = async (FunctionName: string, payload: unknown) => {
    const client = new LambdaClient({
      endpoint: world.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    });
    later(() => client.destroy());
    const sent = await client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }));
    return { error: sent.FunctionError, answer: sent.Payload?.transformToString() ?? '' };
  };

  it('one writes into a stream, whatever its length', async () => {
    const response = await fetch(`${world.url}/streams`);
    const seen = ['content-type', 'x-by', 'set-cookie'].map((name) => response.headers.get(name));
    expect([response.status, ...seen, await response.text()]).toEqual([
      203,
      'text/html',
      'streams',
      'a=1',
      'one two',
    ]);
    const large = await fetch(`${world.url}/streams?large=1`);
    expect((await large.arrayBuffer()).byteLength).toBe(240 * 65_536);
    expect(await invoked('streams', { version: '2.0' })).toEqual({ error: undefined, answer: '"one two"' });
    expect((await fetch(`${world.url}/streams?broken=1`)).status).toBe(500);
  });

  it('one answers by its callback', async () => {
    const response = await fetch(`${world.url}/callback`);
    expect([response.status, await response.text()]).toEqual([203, '/callback']);
    const { error, answer } = await invoked('callback', {});
    expect([error, JSON.parse(answer)]).toEqual([
      'Unhandled',
      { errorType: 'RangeError', errorMessage: 'far', trace: [] },
    ]);
  });
});
