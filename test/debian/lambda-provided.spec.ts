import { InvokeCommand, type InvokeCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { mesh } from '../fixtures/mesh.js';

/* Both ends of Lambda: AWS's client invokes a custom runtime, in bash. Neither knows that there is a mesh between them. */

let client: LambdaClient;
beforeAll(async () => {
  const { url } = await mesh((of) => of.publishFolder('examples/runtimes/bash'));
  client = new LambdaClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  });
  later(() => client.destroy());
});
afterAll(closeAll);

async function invoke(payload: unknown, more: Partial<InvokeCommandInput> = {}) {
  const { Payload, LogResult, FunctionError, ...answer } = await client.send(
    new InvokeCommand({ FunctionName: 'runtimes-bash', Payload: JSON.stringify(payload), ...more }),
  );
  return {
    ...answer,
    error: FunctionError,
    payload: JSON.parse(Payload?.transformToString() ?? ''),
    log: Buffer.from(LogResult ?? '', 'base64').toString(),
  };
}

describe('a custom runtime, by a client of Lambda', () => {
  it('is given the payload as it was sent, and logs into the tail', async () => {
    const { payload, log, error, ExecutedVersion } = await invoke({ a: [1, 'ü'] }, { LogType: 'Tail' });
    expect([payload.got, error, ExecutedVersion]).toEqual([{ a: [1, 'ü'] }, undefined, '1.0.0']);
    expect(log).toMatch(/It has \d+ characters\./);
  });

  it('reports an error, which its caller reads', async () => {
    const { error, payload } = await invoke('fail', { LogType: 'Tail' });
    expect([error, payload]).toMatchObject(['Unhandled', { errorType: expect.any(String), trace: [] }]);
  });

  it('that dies is an error of the function, and the next one is answered', async () => {
    expect(await invoke('die')).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'Runtime.ExitError' },
    });
    expect((await invoke(1)).payload.got).toBe(1);
  });
});
