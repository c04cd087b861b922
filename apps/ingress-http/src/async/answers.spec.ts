import { describe, expect, it } from '@jest/globals';
import type { AsyncCall, ControlPath, ResultEnvelope } from '#contracts';
import { acceptedAnswer, stateAnswer, stateView } from './answers.js';

const ID = '0190d0c0-0000-7000-8000-00000000002a';
const AT = Date.parse('2030-01-31T12:00:00Z');
const call: AsyncCall = {
  path: 'users/find' as ControlPath,
  acceptedAt: AT,
  expires: AT + 3_600_000,
  keepMs: 3_600_000,
};
const result: ResultEnvelope = { id: ID, outcome: 'ok', status: 200 };
const bodyOf = (contentType: string | undefined, body: string | Uint8Array) => {
  const done = { state: 'done', call, result: { ...result, ...(contentType && { contentType }) } } as const;
  const { result: view } = stateView(ID, done, Buffer.from(body)) as { result: Record<string, unknown> };
  return [view.encoding, view.body];
};

describe('202', () => {
  it('says where to look, and until when', () => {
    const { status, headers, body } = acceptedAnswer(ID, {
      state: 'waiting',
      call: { ...call, startsAt: AT + 1 },
    });
    expect(status).toBe(202);
    expect(headers.slice(0, 6)).toEqual([
      'mesh-id',
      ID,
      'location',
      `/invocations/${ID}`,
      'preference-applied',
      'respond-async',
    ]);
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      id: ID,
      status: 'waiting',
      location: `/invocations/${ID}`,
      startsAt: '2030-01-31T12:00:00.001Z',
      expires: '2030-01-31T13:00:00.000Z',
    });
  });
});

describe('the state of a call', () => {
  it('that waits says when to ask again', () => {
    const { headers } = stateAnswer(ID, { state: 'waiting', call }, Buffer.alloc(0));
    expect(headers).toEqual(expect.arrayContaining(['retry-after', '1', 'cache-control', 'no-store']));
    expect(stateAnswer(ID, { state: 'cancelled', call }, Buffer.alloc(0)).headers).not.toContain(
      'retry-after',
    );
  });

  it('that is done has what the handler answered', () => {
    const callback = {
      url: 'https://a.example',
      state: 'failed',
      attempts: 7,
      error: 'It answered 500.',
    } as const;
    const meta = { headers: { 'x-a': ['1', '2'] }, cookies: ['a=1'] };
    const state = {
      state: 'done',
      call: { ...call, attempts: 2, endedAt: AT + 5, callback, fingerprint: 'kept inside', published: true },
      result: { ...result, version: '1.0.0', contentType: 'application/json', meta },
    } as const;
    expect(stateView(ID, state, Buffer.from('[1]'))).toEqual({
      id: ID,
      path: 'users/find',
      status: 'done',
      acceptedAt: '2030-01-31T12:00:00.000Z',
      endedAt: '2030-01-31T12:00:00.005Z',
      expires: '2030-01-31T13:00:00.000Z',
      attempts: 2,
      callback: { url: 'https://a.example', status: 'failed', attempts: 7, error: 'It answered 500.' },
      result: {
        outcome: 'ok',
        status: 200,
        version: '1.0.0',
        headers: { 'x-a': ['1', '2'], 'set-cookie': ['a=1'], 'content-type': 'application/json' },
        encoding: 'json',
        body: [1],
      },
    });
  });

  it.each<[string | undefined, string | Uint8Array, [string | undefined, unknown]]>([
    ['application/json', '{"a":1}', ['json', { a: 1 }]],
    ['application/problem+json; charset=utf-8', 'null', ['json', null]],
    ['application/json', '{', ['base64', 'ew==']],
    ['application/jsonish', '1', ['base64', 'MQ==']],
    ['text/plain; charset=utf-8', 'grüß', ['text', 'grüß']],
    ['image/png', new Uint8Array([0, 255]), ['base64', 'AP8=']],
    [undefined, 'a', ['base64', 'YQ==']],
    ['application/json', '', [undefined, undefined]],
  ])('shows a body of type %s', (type, body, view) => {
    expect(bodyOf(type, body)).toEqual(view);
  });
});
