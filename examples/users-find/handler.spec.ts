import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import { usersFind } from './handler.js';

const ada = { id: 42, name: 'Ada', email: 'ada@example.org' };
const find = usersFind(async (id) => (id === 42 ? ada : null));

describe('users/find', () => {
  it('answers with the user, whatever the source', async () => {
    expect(await call(find, { query: { id: '42' } })).toMatchObject({
      outcome: 'ok',
      status: 200,
      body: ada,
    });
    for (const source of ['mqtt', 'sqs', 'nats'] as const) {
      expect(await call(find, { source, body: '{"id":"42"}' })).toMatchObject({ outcome: 'ok', body: ada });
      expect(await call(find, { source, body: '{"id":42}' })).toMatchObject({ outcome: 'ok', body: ada });
    }
  });

  it('says no without an id', async () => {
    for (const query of ['', 'id=', 'name=Ada']) {
      const answer = await call(find, { query });
      expect(answer).toMatchObject({ outcome: 'failed', status: 400 });
      expect(Buffer.from(answer.raw).toString()).toBe('{"error":"Missing ?id="}');
    }
  });

  it.each(['43', '0', '-1', '4.2', 'abc', '9'.repeat(30), "1' OR '1'='1"])(
    'has nobody for %s',
    async (id) => {
      expect(await call(find, { query: { id } })).toMatchObject({ outcome: 'ok', status: 200, body: null });
    },
  );

  it('takes the first of several ids', async () => {
    expect(await call(find, { query: 'id=42&id=43' })).toMatchObject({ body: ada });
  });

  it('fails, and tells outsiders nothing, when the database does', async () => {
    const broken = usersFind(() => Promise.reject(new Error('password authentication failed')));
    const answer = await call(broken, { query: { id: '42' } });
    expect(answer).toMatchObject({ outcome: 'handler-error', status: 500 });
    expect(answer.cause?.message).toBe('password authentication failed');
    expect(Buffer.from(answer.raw).toString()).not.toContain('password');
  });
});
