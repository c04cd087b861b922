import { describe, expect, it } from '@jest/globals';
import { FAIL, type HandlerContext, type HandlerEvent } from '@lambda-mesh/handler';
import { testMesh } from '@lambda-mesh/handler/testing';
import greet from './handler.js';

const mesh = testMesh(greet, {
  'users/find': ({ query }: HandlerEvent) => (query.id === '42' ? { name: 'Ada' } : null),
});

describe('users/greet', () => {
  it('greets whom users/find finds', async () => {
    expect(await mesh.reset().call('users/greet', { query: { id: '42' } })).toMatchObject({
      outcome: 'ok',
      body: { greeting: 'Hello, Ada!' },
    });
  });

  it('says no without an id', async () => {
    expect(await mesh.reset().call('users/greet')).toMatchObject({ outcome: 'failed', status: 400 });
  });

  it('says 404 for nobody', async () => {
    expect(await mesh.reset().call('users/greet', { query: { id: '43' } })).toMatchObject({
      outcome: 'failed',
      status: 404,
    });
  });

  it('fails when users/find says no, or is not there', async () => {
    mesh.use('users/find', (_event: HandlerEvent, context: HandlerContext) =>
      context(FAIL, { error: 'closed' }),
    );
    const answer = await mesh.call('users/greet', { query: { id: '42' } });
    expect(answer).toMatchObject({ outcome: 'handler-error', status: 500 });
    expect(answer.cause?.message).toContain('users/find answered failed (400)');
  });
});
