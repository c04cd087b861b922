import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ErrorCode, MeshError, type ResultEnvelope } from '#contracts';
import { fromError, fromReply } from './from-result.js';

const ID = '0190d0c0-0000-7000-8000-000000000001';
const reply = (result: Partial<ResultEnvelope>, body = 'body') => {
  const response = fromReply({
    result: { id: ID, outcome: 'ok', status: 200, ...result },
    body: Buffer.from(body),
  });
  return { ...response, body: Buffer.from(response.body).toString() };
};

describe("a handler's answer", () => {
  it.each<[string, Partial<ResultEnvelope>, number, string[], string]>([
    [
      'OK',
      { version: '1.0.0', contentType: 'text/plain' },
      200,
      ['mesh-version', '1.0.0', 'content-type', 'text/plain', 'content-length', '4'],
      'body',
    ],
    ['FAIL', { outcome: 'failed', status: 409 }, 409, ['content-length', '4'], 'body'],
    ['a failed 503 of its own', { outcome: 'failed', status: 503 }, 503, ['content-length', '4'], 'body'],
    ['204 has neither type nor length nor body', { status: 204, contentType: 'text/plain' }, 204, [], ''],
    ['304, too', { status: 304, contentType: 'text/plain' }, 304, [], ''],
    [
      'an error of the handler',
      { outcome: 'handler-error', status: 500 },
      500,
      ['content-length', '4'],
      'body',
    ],
    [
      'no room',
      { outcome: 'too-busy', status: 429 },
      429,
      ['retry-after', '1', 'content-length', '4'],
      'body',
    ],
    [
      'no room, for as long as the executor says',
      { outcome: 'rate-limited', status: 429, meta: { headers: { 'retry-after': '7' } } },
      429,
      ['retry-after', '7', 'content-length', '4'],
      'body',
    ],
    [
      'no executor',
      { outcome: 'shutting-down', status: 503 },
      503,
      ['retry-after', '1', 'content-length', '4'],
      'body',
    ],
    [
      'headers and cookies',
      { meta: { headers: { 'x-one': 'a', 'x-two': ['b', 'c'] }, cookies: ['d=1', 'e=2'] } },
      200,
      [
        'x-one',
        'a',
        'x-two',
        'b',
        'x-two',
        'c',
        'set-cookie',
        'd=1',
        'set-cookie',
        'e=2',
        'content-length',
        '4',
      ],
      'body',
    ],
  ])('%s', (_, result, status, headers, body) => {
    expect(reply(result)).toEqual({ status, headers: ['mesh-id', ID, ...headers], body });
  });
});

describe('an error that the mesh met', () => {
  it.each(Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][])(
    '%s',
    (code, { status, retry }) => {
      const response = fromError(new MeshError(code, 'Why.'), ID);
      const problem = JSON.parse(Buffer.from(response.body).toString());
      expect(response.status).toBe(status);
      expect(problem).toMatchObject({ code, status, detail: 'Why.', instance: `urn:uuid:${ID}` });
      expect(response.headers.slice(0, 6)).toEqual([
        'content-type',
        'application/problem+json',
        'content-length',
        String(response.body.length),
        'mesh-id',
        ID,
      ]);
      const mayRetry = retry === 'later' && (status === 429 || status === 503);
      expect(response.headers.includes('retry-after')).toBe(mayRetry);
      expect(response.headers.filter((name) => name === 'www-authenticate')).toHaveLength(
        status === 401 ? 1 : 0,
      );
    },
  );

  it('names the methods that would do', () => {
    const { headers } = fromError(new MeshError('method-not-allowed'), undefined, ['GET', 'HEAD']);
    expect(headers.slice(-2)).toEqual(['allow', 'GET, HEAD']);
    expect(headers).not.toContain('mesh-id');
  });
});
