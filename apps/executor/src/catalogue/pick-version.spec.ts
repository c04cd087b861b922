import { describe, expect, it } from '@jest/globals';
import { manifest, type Route, route } from '#contracts';
import { randomFrom } from '../../../../test/fixtures/random.js';
import { pickVersion } from './pick-version.js';

function routeWith(weights: Record<string, number>, aliases: Record<string, string> = {}): Route {
  const versions = Object.entries(weights).map(([version, weight]) => {
    const { path: _, ...live } = manifest.parse({ path: 'users/find', version });
    return { ...live, weight, digest: `sha256:${'0'.repeat(64)}` };
  });
  return route.parse({ path: 'users/find', revision: 1, versions, aliases });
}
const never = () => {
  throw new Error('no draw is needed');
};

describe('the version of a call', () => {
  it('is the only one, without a draw', () => {
    expect(pickVersion(routeWith({ '1.0.0': 0 }), {}, never).version).toBe('1.0.0');
  });

  it('is the one that was asked for, whatever its weight', () => {
    const two = routeWith({ '1.0.0': 100, '2.0.0': 0 }, { canary: '2.0.0' });
    expect(pickVersion(two, { version: '2.0.0' }, never).version).toBe('2.0.0');
    expect(pickVersion(two, { version: 'canary' }, never).version).toBe('2.0.0');
  });

  it.each(['3.0.0', 'stable', 'toString', '__proto__', 'constructor', '', '1.0.0 '])(
    'is not there: %j',
    (wanted) => {
      const two = routeWith({ '1.0.0': 90, '2.0.0': 10 }, { canary: '3.1.0' });
      expect(() => pickVersion(two, { version: wanted }, never)).toThrow(
        expect.objectContaining({ code: 'no-version', detail: 'Live versions of users/find: 1.0.0, 2.0.0.' }),
      );
      expect(() => pickVersion(two, { version: 'canary' }, never)).toThrow(
        expect.objectContaining({ code: 'no-version' }),
      );
    },
  );

  it.each([
    [0, '1.0.0'],
    [0.899_999, '1.0.0'],
    [0.9, '2.0.0'],
    [0.999_999, '2.0.0'],
  ])('is drawn by weight: %d is %s', (draw, version) => {
    expect(pickVersion(routeWith({ '1.0.0': 90, '2.0.0': 10 }), {}, () => draw).version).toBe(version);
  });

  it('follows the weights within a point over 20,000 calls, and never takes one of weight 0', () => {
    const random = randomFrom(3);
    const counts: Record<string, number> = {};
    const three = routeWith({ '1.0.0': 90, '2.0.0': 10, '3.0.0': 0 });
    for (let i = 0; i < 20_000; i++) {
      const { version } = pickVersion(three, {}, random);
      counts[version] = (counts[version] ?? 0) + 1;
    }
    expect(counts['3.0.0']).toBeUndefined();
    expect(Math.abs((counts['1.0.0'] ?? 0) / 20_000 - 0.9)).toBeLessThan(0.01);
  });

  it('is the same one for the same sticky key, and follows the weights over many keys', () => {
    const two = routeWith({ '1.0.0': 90, '2.0.0': 10 });
    const of = (sticky: string) => pickVersion(two, { sticky }, never).version;
    const keys = Array.from({ length: 20_000 }, (_, i) => `customer-${i}`);
    const first = keys.map(of);
    expect(keys.map(of)).toEqual(first);
    const share = first.filter((version) => version === '1.0.0').length / keys.length;
    expect(Math.abs(share - 0.9)).toBeLessThan(0.01);
    // A pin goes before a key.
    expect(pickVersion(two, { version: '2.0.0', sticky: 'x' }, never).version).toBe('2.0.0');
  });
});
