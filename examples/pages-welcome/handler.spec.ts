import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import welcome from './handler.js';

describe('pages/welcome', () => {
  it('answers with a page and a cookie', async () => {
    const answer = await call(welcome, { query: { name: '<Ada> & co' } });
    expect(answer).toMatchObject({
      outcome: 'ok',
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
      cookies: ['name=%3CAda%3E%20%26%20co; Path=/pages; HttpOnly; SameSite=Lax'],
    });
    expect(answer.body).toContain('Welcome, &#60;Ada&#62; &#38; co!');
  });

  it('redirects whoever gives no name', async () => {
    expect(await call(welcome)).toMatchObject({
      outcome: 'ok',
      status: 302,
      headers: { location: '/pages/welcome?name=stranger' },
      body: undefined,
    });
  });
});
