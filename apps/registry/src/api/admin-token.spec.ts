import { describe, expect, it } from '@jest/globals';
import { AdminToken, makeToken } from './admin-token.js';

describe('the admin token', () => {
  const token = new AdminToken('secret-1');

  it.each(['Bearer secret-1', 'bearer secret-1', 'Bearer   secret-1'])('takes %j', (header) => {
    expect(() => token.check(header)).not.toThrow();
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'secret-1',
    'Basic secret-1',
    'Bearer secret-2',
    'Bearer secret-11',
    'Bearer secret-1 x',
    'Bearer secret-1\n',
  ])('refuses %j', (header) => {
    expect(() => token.check(header)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  });

  it('is another each time it is made, and can be sent', () => {
    const made = makeToken();
    expect(made).not.toBe(makeToken());
    expect(() => new AdminToken(made).check(`Bearer ${made}`)).not.toThrow();
  });
});
