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

describe.each(['inline', 'thread', 'process'])('in isolation by %s', (isolation) => {
  let world: Mesh;
  beforeAll(async () => {
    world = await mesh(
      async ({ publish }) => {
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
