import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { type ControlPath, manifest, type Route, route } from '#contracts';
import { toEvent } from './to-event.js';

const { path: _, ...live } = manifest.parse({ path: 'users/find', version: '1.0.0' });
const usersFind: Route = route.parse({
  path: 'users/find' as ControlPath,
  revision: 1,
  versions: [{ ...live, weight: 100, digest: `sha256:${'0'.repeat(64)}` }],
});

function event(headers: Record<string, string>, version?: string) {
  const request = { method: 'GET', headers } as unknown as IncomingMessage;
  return toEvent(request, '/users/find', '', { route: usersFind, params: undefined, version });
}

describe('the version that a request asks for', () => {
  it('stands in the path or in mesh-version', () => {
    expect(event({})).not.toHaveProperty('version');
    expect(event({}, '1.2.0')).toMatchObject({ version: '1.2.0' });
    expect(event({ 'mesh-version': 'canary' })).toMatchObject({ version: 'canary' });
    expect(event({ 'mesh-version': '1.2.0' }, '1.2.0')).toMatchObject({ version: '1.2.0' });
  });

  it.each(['', '1.2', 'Canary', '*', '>', '1.0.0 ', 'a.b'])('is refused: %j', (stated) => {
    expect(() => event({ 'mesh-version': stated })).toThrow(expect.objectContaining({ code: 'bad-request' }));
  });

  it('is refused when path and header differ', () => {
    expect(() => event({ 'mesh-version': '1.0.0' }, '1.2.0')).toThrow('different versions');
  });

  it('sticks to a key, which is bounded', () => {
    expect(event({ 'mesh-sticky': 'customer-7' })).toMatchObject({ sticky: 'customer-7' });
    expect(() => event({ 'mesh-sticky': 'x'.repeat(257) })).toThrow(
      expect.objectContaining({ code: 'bad-request' }),
    );
  });
});
