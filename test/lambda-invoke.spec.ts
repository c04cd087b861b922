import {
  GetFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type InvokeCommandOutput,
  LambdaClient,
  paginateListFunctions,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from './fixtures/later.js';
import { type Mesh, mesh } from './fixtures/mesh.js';
import { streams, Worker } from './http-async.fixture.js';

/* AWS's own client, unmodified but for its endpoint, calls handlers. */

const HANDLERS: Record<string, string> = {
  'users/find':
    'export default (event, context) => event.query.id ? context("OK", { id: event.query.id, version: context.version }) : context("FAIL", { error: "Missing ?id=" })',
  echo: 'export default ({ source, body, query, attributes }) => ({ source, body, query, attributes })',
  text: 'export default () => "grüß"',
  nothing: 'export default () => {}',
  bytes: 'export default () => new Uint8Array([0, 255])',
  'http/answer': 'export default () => ({ statusCode: 201, headers: { a: "b" }, body: "made" })',
  throws: 'export default () => { throw new RangeError("out of reach") }',
  slow: 'export default () => new Promise(() => {})',
  large: `export default () => "x".repeat(${6 * 1024 * 1024 + 200})`,
};

let world: Mesh;
beforeAll(async () => {
  world = await mesh(async ({ publish }) => {
    for (const [path, code] of Object.entries(HANDLERS)) {
      const limits = path === 'slow' ? { limits: { timeoutMs: 200 } } : {};
      await publish({ path, version: '1.0.0', ...limits }, code);
    }
  });
});
afterAll(closeAll);

function clientOf(url: string): LambdaClient {
  const client = new LambdaClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  });
  later(() => client.destroy());
  return client;
}

const invoke = (FunctionName: string, payload?: unknown, more: Partial<InvokeCommandInput> = {}) =>
  clientOf(world.url).send(
    new InvokeCommand({
      FunctionName,
      ...(payload === undefined ? {} : { Payload: JSON.stringify(payload) }),
      ...more,
    }),
  );
const payloadOf = ({ Payload }: InvokeCommandOutput): unknown =>
  JSON.parse(Payload?.transformToString() ?? '');

describe('RequestResponse', () => {
  it('gives a handler the payload and the caller its answer', async () => {
    const answer = await invoke('users/find', { id: 42 });
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '1.0.0' });
    expect(answer.FunctionError).toBeUndefined();
    expect(payloadOf(answer)).toEqual({ id: '42', version: '1.0.0' });
  });
});
