import { describe, expect, it } from '@jest/globals';
import type { Role, TokenRecord } from '../catalogue/values.js';
import { Access, hashOfToken, makeToken, roleFor } from './access.js';

const KNOCK = {
  method: 'GET',
  pattern: '/v1/handlers',
  authorization: undefined,
  address: '127.0.0.1',
  agent: undefined,
};

function accessWith(role: Role, token: string): Access {
  const record: TokenRecord = { id: 'id', name: 'ci', role, createdAt: new Date(0), createdBy: 'admin' };
  const hash = hashOfToken(token);
  return new Access('the-root', { find: async (asked) => (asked.equals(hash) ? record : undefined) });
}

const admit = (access: Access, authorization: string | undefined, asked: object = {}) =>
  access.admit({ ...KNOCK, authorization, ...asked });

describe('access', () => {
  it('is refused without a token that is known, however it is written', async () => {
    const access = accessWith('admin', 'secret');
    for (const header of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Basic secret',
      'Bearer secretx',
      'secret',
      'Bearer a b',
    ])
      await expect(admit(access, header)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is given to the root and to a token, each with its name and where it came from', async () => {
    const access = accessWith('reader', 'secret');
    expect(await admit(access, 'bearer  the-root')).toEqual({
      name: 'admin',
      origin: { address: '127.0.0.1' },
    });
    expect(await admit(access, 'Bearer secret', { agent: 'x'.repeat(500) })).toEqual({
      name: 'token:ci',
      origin: { address: '127.0.0.1', agent: 'x'.repeat(200), token: 'id' },
    });
  });

  it.each<[Role, string, string, boolean]>([
    ['reader', 'GET', '/v1/handlers/:path', true],
    ['reader', 'GET', '/v1/audit', true],
    ['reader', 'GET', '/v1/tokens', false],
    ['reader', 'POST', '/v1/handlers/:path/versions', false],
    ['publisher', 'POST', '/v1/handlers/:path/versions', true],
    ['publisher', 'POST', '/v1/handlers/:path/rollback', true],
    ['publisher', 'PUT', '/v1/handlers/:path/environment', false],
    ['publisher', 'DELETE', '/v1/handlers/:path/versions/:version', false],
    ['publisher', 'POST', '/v1/tokens', false],
    ['publisher', 'POST', '/v1/imports', false],
    ['reader', 'GET', '/v1/dead', true],
    ['reader', 'GET', '/v1/dead/:id', false],
    ['reader', 'HEAD', '/v1/dead/:id', false],
    ['publisher', 'GET', '/v1/dead/:id', true],
    ['publisher', 'POST', '/v1/dead/:id/replay', true],
    ['publisher', 'POST', '/v1/dead/drop', false],
    ['publisher', 'DELETE', '/v1/dead/:id', false],
    ['admin', 'PUT', '/v1/handlers/:path/environment', true],
    ['admin', 'DELETE', '/v1/tokens/:id', true],
  ])('%s may %s %s: %s', async (role, method, pattern, may) => {
    const answer = admit(accessWith(role, 'secret'), 'Bearer secret', { method, pattern });
    if (may) expect(await answer).toMatchObject({ name: 'token:ci' });
    else await expect(answer).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('asks for an admin where nothing else was decided', () => {
    expect(roleFor('POST', '/v1/handlers/:path/something-new')).toBe('admin');
  });

  it('makes tokens of 256 bits that look like ours', () => {
    expect(makeToken()).toMatch(/^mesh_[A-Za-z0-9_-]{43}$/);
    expect(makeToken()).not.toBe(makeToken());
  });
});
