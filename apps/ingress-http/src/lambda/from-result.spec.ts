import { describe, expect, it } from '@jest/globals';
import { MeshError, type OutcomeCode, PROBLEM_JSON, problemOf, type ResultEnvelope } from '#contracts';
import { fromError, fromReply } from './from-result.js';

const ID = 'the-id';
function answered(outcome: OutcomeCode, body: string | Uint8Array, more: Partial<ResultEnvelope> = {}) {
  const result: ResultEnvelope = { id: ID, outcome, status: 200, version: '1.0.0', ...more };
  return read(fromReply({ result, body: typeof body === 'string' ? Buffer.from(body) : body }));
}
function read({ status, headers, body }: ReturnType<typeof fromReply>) {
  const named = new Map(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])) as [string, string][],
  );
  return {
    status,
    error: named.get('x-amz-function-error'),
    type: named.get('x-amzn-errortype'),
    version: named.get('x-amz-executed-version'),
    log: named.get('x-amz-log-result'),
    retryAfter: named.get('retry-after'),
    payload: Buffer.from(body).toString(),
  };
}

describe('a payload', () => {
  it.each<[string, string | undefined, string]>([
    ['{"a":1}', 'application/json', '{"a":1}'],
    ['{"a":1}', 'application/cloudevents+json', '{"a":1}'],
    ['gr"üß', 'text/plain; charset=utf-8', '"gr\\"üß"'],
    ['', undefined, 'null'],
    ['raw', 'application/octet-stream', 'raw'],
  ])('%j of type %s is %s', (body, contentType, payload) => {
    const answer = answered('ok', body, contentType === undefined ? {} : { contentType });
    expect(answer).toEqual({
      status: 200,
      error: undefined,
      type: undefined,
      version: '1.0.0',
      log: undefined,
      payload,
    });
  });

  it('has the log tail beside it', () => {
    const meta = { headers: { 'mesh-log-tail': 'bG9n', own: 'kept back' } };
    expect(answered('ok', '1', { contentType: 'application/json', meta })).toMatchObject({
      log: 'bG9n',
      payload: '1',
    });
  });
});

describe('a run that did not go well', () => {
  const problem = (code: MeshError['code'], detail?: string) =>
    answered(code, JSON.stringify(problemOf(new MeshError(code, detail), ID)), { contentType: PROBLEM_JSON });

  it('is told as it is where the handler said no', () => {
    expect(answered('failed', '{"no":1}', { contentType: 'application/json', status: 409 })).toMatchObject({
      status: 200,
      error: 'Handled',
      payload: '{"no":1}',
    });
  });

  it.each<[MeshError['code'], string]>([
    ['deadline-exceeded', 'Sandbox.Timedout'],
    ['worker-crashed', 'Runtime.ExitError'],
    ['load-failed', 'Runtime.ImportModuleError'],
    ['no-handler', 'Runtime.HandlerNotFound'],
    ['bad-answer', 'Runtime.MarshalError'],
    ['handler-error', 'Function.Unknown'],
    ['path-mismatch', 'Runtime.Unknown'],
  ])('by %s is %s', (code, errorType) => {
    const { status, error, payload } = problem(code, 'Because.');
    expect([status, error]).toEqual([200, 'Unhandled']);
    expect(JSON.parse(payload)).toEqual({
      errorType,
      errorMessage: expect.stringMatching(/^RequestId: the-id Error: .+ Because\.$/),
      trace: [],
    });
  });

  it('has what was thrown where the runtime tells it', () => {
    const body = '{"errorType":"RangeError","errorMessage":"far","trace":[]}';
    expect(answered('handler-error', body, { contentType: 'application/json', status: 500 })).toMatchObject({
      error: 'Unhandled',
      payload: body,
    });
  });

  it('by the mesh is an error of the service', () => {
    expect(problem('no-version', 'Live: 1.0.0.')).toMatchObject({
      status: 404,
      type: 'ResourceNotFoundException',
    });
    expect(problem('too-busy')).toMatchObject({ status: 429, type: 'TooManyRequestsException' });
    // When there will be room, the executor knows.
    const meta = { headers: { 'retry-after': '7' } };
    expect(answered('rate-limited', '', { meta })).toMatchObject({ status: 429, retryAfter: '7' });
    expect(read(fromError(new MeshError('no-executor'), ID))).toMatchObject({
      status: 503,
      type: 'ServiceException',
    });
    expect(read(fromError(new MeshError('deadline-exceeded'), ID))).toMatchObject({
      status: 200,
      error: 'Unhandled',
    });
  });

  it('by its size is an error of the function', () => {
    const most = 6 * 1024 * 1024 + 100;
    const contentType = 'application/octet-stream';
    expect(answered('ok', new Uint8Array(most), { contentType }).error).toBeUndefined();
    const { error, payload } = answered('ok', new Uint8Array(most + 1), { contentType });
    expect([error, JSON.parse(payload).errorType]).toEqual(['Unhandled', 'Function.ResponseSizeTooLarge']);
  });
});
