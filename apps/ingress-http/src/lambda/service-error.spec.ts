import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode } from '#contracts';
import { ServiceError, type ServiceErrorName, serviceErrorAnswer, translated } from './service-error.js';

const statusOf = (error: ServiceError | undefined) => error && serviceErrorAnswer(error, 'the-id').status;

describe('an error of the mesh', () => {
  it.each<[ErrorCode, ServiceErrorName | undefined, number | undefined]>([
    ['no-route', 'ResourceNotFoundException', 404],
    ['no-version', 'ResourceNotFoundException', 404],
    ['payload-too-large', 'RequestTooLargeException', 413],
    ['bad-body', 'InvalidRequestContentException', 400],
    ['too-busy', 'TooManyRequestsException', 429],
    ['rate-limited', 'TooManyRequestsException', 429],
    ['request-timeout', 'RequestTimeoutException', 408],
    ['client-gone', 'InvalidParameterValueException', 499],
    ['cancelled', 'InvalidParameterValueException', 499],
    ['expired', 'InvalidParameterValueException', 410],
    ['in-progress', 'InvalidParameterValueException', 409],
    ['no-executor', 'ServiceException', 503],
    ['not-connected', 'ServiceException', 503],
    ['queue-full', 'ServiceException', 503],
    ['internal', 'ServiceException', 500],
    ['unsupported-runtime', 'InvalidRuntimeException', 502],
    ['handler-error', undefined, undefined],
    ['deadline-exceeded', undefined, undefined],
    ['worker-crashed', undefined, undefined],
    ['load-failed', undefined, undefined],
  ])('%s is %s with status %s', (code, type, status) => {
    const error = translated({ code });
    expect([error?.type, statusOf(error)]).toEqual([type, status]);
  });

  it.each(Object.keys(ERRORS) as ErrorCode[])('%s keeps its hundred, or is one of the function', (code) => {
    const { fault, status } = ERRORS[code];
    const error = translated({ code });
    if (error) expect(hundredOf(statusOf(error) as number)).toBe(hundredOf(status));
    else expect(fault).toBe('handler');
  });
});
const hundredOf = (status: number): number => Math.floor(status / 100);

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
    expect(answerOf(new ServiceError('ResourceNotReadyException', 'Later.')).body).toEqual({
      Type: 'Service',
      message: 'Later.',
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
    const known = translated({ code: 'rate-limited' }, '7') as ServiceError;
    expect(answerOf(known).headers).toMatchObject({ 'retry-after': '7' });
    expect(answerOf(translated({ code: 'no-executor' }) as ServiceError)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { Type: 'Service' },
    });
  });
});
