import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import show from './handler.js';

describe('greetings/show', () => {
  it('greets by the name in the URL', async () => {
    expect(await call(show, { params: { language: 'ja', name: 'Ada' } })).toMatchObject({
      status: 200,
      body: { greeting: 'こんにちは, Ada!' },
    });
  });

  it('says 404 for a language that it does not know', async () => {
    expect(await call(show, { params: { language: 'xx', name: 'Ada' } })).toMatchObject({
      outcome: 'failed',
      status: 404,
      body: { known: ['de', 'en', 'fr', 'ja'] },
    });
  });
});
