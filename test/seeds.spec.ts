import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

/* docs/seeds.md names a test for each feature of the seeds: each of them is there, under that title, and runs. */

const rows = readFileSync('docs/seeds.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| feature |'))
  .map((line) => line.slice(2, -2).split(/ (?<!\\)\| /) as [feature: string, shown: string]);

const TITLED = new Set(['describe', 'it', 'test']);

/** Titles of the tests and groups of a spec that run: not what a comment says, nor what is skipped. */
function titlesIn(file: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const [name = '', ...words] = wordsOf(node.expression);
      if (words.some((word) => word !== 'each' && word !== 'only')) return;
      const [title] = node.arguments;
      if (TITLED.has(name) && title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title)))
        titles.push(ts.isStringLiteralLike(title) ? title.text : title.getText().slice(1, -1));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return titles;
}

/** Of what is called: `it.each([…])(…)` → it, each; of anything that is no test, nothing. */
function wordsOf(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return TITLED.has(node.text) ? [node.text] : [];
  if (ts.isCallExpression(node)) return wordsOf(node.expression);
  if (!ts.isPropertyAccessExpression(node)) return [];
  const before = wordsOf(node.expression);
  return before.length > 0 ? [...before, node.name.text] : [];
}

describe('docs/seeds.md', () => {
  it('has the features of three texts', () => {
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(rows)('%s', (_, shown) => {
    const [, file, title] = /^`(\S+)` › (.+?)(?:; \*partly\*: .{10,})?$/.exec(shown) ?? [];
    // Or it is said to be missing, or to be otherwise, and why.
    if (file === undefined) expect(shown).toMatch(/^\*(not yet|otherwise)\*: .{10,}/);
    else {
      expect(existsSync(file)).toBe(true);
      expect(titlesIn(file)).toContain(title);
    }
  });
});
