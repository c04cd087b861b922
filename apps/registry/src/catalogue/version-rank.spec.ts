import { describe, expect, it } from '@jest/globals';
import semver from 'semver';
import { versionRank } from './version-rank.js';

const byRank = (a: string, b: string): number =>
  Math.sign(Buffer.compare(Buffer.from(versionRank(a)), Buffer.from(versionRank(b))));

const PIECES = ['0', '1', '2', '9', '10', '11', '99', '100', '1234567890123'];
const TEXTS = ['alpha', 'alpha-1', 'beta', 'rc', 'x', '-', 'A', 'Z', '0a', '1-2', ...PIECES];

/** Versions drawn with a fixed seed, so that a failure can be looked at again. */
function* versions(count: number): Generator<string> {
  let seed = 20_261_121;
  const draw = <T>(from: readonly T[]): T => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return from[Math.floor((seed / 2_147_483_648) * from.length)] as T;
  };
  for (let i = 0; i < count; i++) {
    const core = [draw(PIECES), draw(PIECES), draw(PIECES)].join('.');
    const identifiers = Array.from({ length: draw([0, 0, 1, 2, 3]) }, () => draw(TEXTS));
    yield identifiers.length === 0 ? core : `${core}-${identifiers.join('.')}`;
  }
}

describe('the rank of a version', () => {
  it('sorts the example of semver.org, clause 11', () => {
    const sorted = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '2.0.0',
      '2.1.0',
      '2.1.1',
      '10.0.0',
    ];
    expect(sorted.toReversed().sort(byRank)).toEqual(sorted);
  });

  it('agrees with the semver package on any two versions', () => {
    const all = [...versions(400)];
    for (const a of all)
      for (const b of all) expect([a, b, byRank(a, b)]).toEqual([a, b, semver.compare(a, b)]);
  });

  it('leaves out build metadata, which has no precedence', () => {
    expect(versionRank('1.0.0+build.5')).toBe(versionRank('1.0.0'));
    expect(versionRank('1.0.0-a+b-c')).toBe(versionRank('1.0.0-a'));
  });
});
