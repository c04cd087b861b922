import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '#contracts';

describe('the documents', () => {
  it('list every error code, as it is in the code, and no other', () => {
    const rows = readFileSync('docs/errors.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const documented = rows.map(([, code, status, fault, retry, title]) => [
      code?.replaceAll('`', ''),
      { status: Number(status), fault, retry, title },
    ]);
    expect(documented).toEqual(Object.entries(ERRORS));
    for (const row of rows) expect(row[6]?.length).toBeGreaterThan(10);
  });

  it('list every setting of every service, as it is in the code', () => {
    expect(() =>
      execFileSync(process.execPath, ['tools/config-docs.mjs', '--check'], { stdio: 'pipe' }),
    ).not.toThrow();
  });
});
