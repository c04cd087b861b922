import { describe, expect, it } from '@jest/globals';
import { exitOf } from './answer.js';
import { answerOf } from './over-http.js';

const PROBLEM = 'application/problem+json';
const outcome = (status: number, contentType: string, body = '') =>
  answerOf(
    { status, headers: new Headers({ 'content-type': contentType, 'mesh-id': 'x' }) },
    Buffer.from(body),
  );

describe('an answer over HTTP', () => {
  it.each([
    [200, 'application/json', '{}', 'ok', 0],
    [302, 'text/html', '', 'ok', 0],
    [400, 'application/json', '{"error":"Missing ?id="}', 'failed', 1],
    [500, 'text/plain', 'my own', 'failed', 1],
    [404, PROBLEM, '{"code":"no-route"}', 'no-route', 2],
    [504, `${PROBLEM}; charset=utf-8`, '{"code":"deadline-exceeded"}', 'deadline-exceeded', 2],
    [500, PROBLEM, 'no JSON', 'failed', 1],
    [422, PROBLEM, '{"code":7}', 'failed', 1],
  ])('%s %s %s is %s, exit code %s', (status, type, body, expected, exit) => {
    const answer = outcome(status, type, body);
    expect(answer.outcome).toBe(expected);
    expect(exitOf(answer)).toBe(exit);
  });
});
