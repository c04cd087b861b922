import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

/* docs/seeds.md names a test for each feature of the seeds: each of them is there, under that title. */

const rows = readFileSync('docs/seeds.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| feature |'))
  .map((line) => line.slice(2, -2).split(/ (?<!\\)\| /) as [feature: string, shown: string]);

describe('docs/seeds.md', () => {
  it('has the features of three texts', () => {
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(rows)('%s', (_, shown) => {
    const [, file, title] = /^`(\S+)` › (.+)$/.exec(shown) ?? [];
    // Or it is said to be missing, or to be otherwise, and why.
    if (file === undefined) expect(shown).toMatch(/^\*(not yet|otherwise)\*: .{10,}/);
    else {
      expect(existsSync(file)).toBe(true);
      expect(readFileSync(file, 'utf8')).toContain(title as string);
    }
  });
});
