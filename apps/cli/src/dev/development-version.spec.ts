import { describe, expect, it } from '@jest/globals';
import { compare } from 'semver';
import { developmentVersion } from './development-version.js';

describe('a version of development', () => {
  it.each([
    ['1.2.0', '1.2.0-dev.1763762540000'],
    ['1.2.0-rc.1', '1.2.0-rc.1.dev.1763762540000'],
    ['1.2.0+build.7', '1.2.0-dev.1763762540000'],
    ['no version', 'no version'],
  ])('of %s is %s', (stated, expected) => {
    expect(developmentVersion(stated, 1_763_762_540_000)).toBe(expected);
  });

  it('sorts before what it becomes, after what was before, and after an earlier one', () => {
    const made = developmentVersion('1.2.0', 2_000);
    expect(compare(made, '1.2.0')).toBe(-1);
    expect(compare(made, '1.1.9')).toBe(1);
    expect(compare(made, developmentVersion('1.2.0', 999))).toBe(1);
  });
});
