import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode } from '#contracts';
import { SERVICE_ERRORS, ServiceError, serviceErrorAnswer, translated } from './service-error.js';

describe('an error of the mesh', () => {
  it.each<[ErrorCode, string | undefined, number | undefined]>([
    ['no-route', 'ResourceNotFoundException', undefined],
    ['no-version', 'ResourceNotFoundException', undefined],
    ['payload-too-large', 'RequestTooLargeException', undefined],
    ['bad-body', 'InvalidRequestContentException', undefined],
    ['too-busy', 'TooManyRequestsException', undefined],
    ['rate-limited', 'TooManyRequestsException', undefined],
    ['no-executor', 'ServiceException', 503],
    ['not-connected', 'ServiceException', 503],
    ['queue-full', 'ServiceException', 503],
    ['internal', 'ServiceException', undefined],
    ['unsupported-runtime', 'InvalidRuntimeException', undefined],
    ['handler-error', undefined, undefined],
    ['deadline-exceeded', undefined, undefined],
    ['worker-crashed', undefined, undefined],
    ['load-failed', undefined, undefined],
  ])('%s is %s', (code, type, status) => {
    const error = translated({ code });
    expect([error?.type, error?.options.status]).toEqual([type, status]);
  });

  it('of any kind is one or the other, with a status of the same hundred', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const error = translated({ code });
      if (!error) expect([code, ERRORS[code].fault]).toEqual([code, 'handler']);
      else if (ERRORS[code].fault === 'caller')
        expect([code, SERVICE_ERRORS[error.type].status]).toEqual([code, expect.any(Number)]);
    }
  });
});

describe('its answer', () => {
  const answerOf = (error: ServiceError) => {
    const { status, headers, body } = serviceErrorAnswer(error, 'the-id');
    const named = Object.fromEntries(
      headers.map((name, i) => [name, headers[i + 1]]).filter((_, i) => i % 2 === 0),
    );
    return { status, headers: named, body: JSON.parse(Buffer.from(body).toString()) };
  };

  it('has the name where SDKs look, and the message as the model spells it', () => {
    expect(answerOf(new ServiceError('ResourceNotFoundException', 'Not here.'))).toEqual({
      status: 404,
      headers: {
        'content-type': 'application/json',
        'content-length': '37',
        'x-amzn-requestid': 'the-id',
        'x-amzn-errortype': 'ResourceNotFoundException',
      },
      body: { Type: 'User', Message: 'Not here.' },
    });
    expect(answerOf(new ServiceError('InvalidParameterValueException', 'No.')).body).toEqual({
      Type: 'User',
      message: 'No.',
    });
  });

  it('says why there were too many, and when to come again', () => {
    const error = translated({ code: 'too-busy', detail: '5 run.' }) as ServiceError;
    expect(answerOf(error)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      body: {
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        message: expect.stringContaining('5 run.'),
      },
    });
    expect(answerOf(translated({ code: 'no-executor' }) as ServiceError)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { Type: 'Service' },
    });
  });
});
