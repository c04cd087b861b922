import { describe, expect, it } from '@jest/globals';
import { between, randomFrom, textOf } from '../../../test/fixtures/random.js';
import {
  type ControlPath,
  controlPathFault,
  formatReference,
  isAlias,
  isControlPath,
  isVersion,
  parseControlPath,
  parseReference,
  RESERVED_FIRST_SEGMENTS,
} from './control-path.js';
import { callSubject, pathOfRouteKey, routeKey } from './subjects.js';

const random = randomFrom(1);
const anyPath = (): string => {
  const segments = Array.from({ length: between(random, 1, 8) }, () => {
    const rest = textOf(random, 'abcxyz0189_-', between(random, 0, 20));
    return textOf(random, 'abcxyz0189', 1) + rest;
  });
  return segments.join('/').slice(0, 200).replace(/\/$/, '');
};

describe('a control path', () => {
  it.each([
    'a',
    '0',
    'users/find',
    'users/find-by_id/2',
    'a/b/c/d/e/f/g/h',
    'x'.repeat(63),
    `${'a'.repeat(63)}/${'b'.repeat(63)}/${'c'.repeat(63)}/12345678`,
    'users/health',
    'healthy',
    'v2',
  ])('may be %s', (text) => {
    expect(controlPathFault(text)).toBeUndefined();
    expect(parseControlPath(text)).toBe(text);
  });

  it.each<[unknown, string]>([
    [undefined, 'a control path is a string, not undefined'],
    [42, 'a control path is a string, not number'],
    [['users'], 'a control path is a string, not object'],
    ['', 'at least one segment'],
    ['/users', 'no empty segment'],
    ['users/', 'no empty segment'],
    ['users//find', 'no empty segment'],
    ['/', 'no empty segment'],
    ['a/b/c/d/e/f/g/h/i', 'at most 8 segments'],
    ['x'.repeat(64), 'at most 63 characters'],
    [`${'a'.repeat(63)}/${'b'.repeat(63)}/${'c'.repeat(63)}/123456789`, 'at most 200 characters'],
    ['x'.repeat(1_000_000), 'at most 200 characters'],
    ['Users/find', 'segment "Users" must match'],
    ['users/-find', 'segment "-find" must match'],
    ['users/_find', 'segment "_find" must match'],
    ['users/find.json', 'segment "find.json" must match'],
    ['users/../find', 'segment ".." must match'],
    ['users/./find', 'segment "." must match'],
    ['users/*', 'segment "*" must match'],
    ['users/>', 'segment ">" must match'],
    ['users/+/find', 'segment "+" must match'],
    ['users/#', 'segment "#" must match'],
    ['$SYS/users', 'segment "$SYS" must match'],
    ['users find', 'segment "users find" must match'],
    ['users/find\n', 'segment "find\\n" must match'],
    ['users\r\nfind', 'must match'],
    ['users/\0', 'segment "\\u0000" must match'],
    ['users/%66ind', 'segment "%66ind" must match'],
    ['users/fïnd', 'must match'],
    ['users/ｆind', 'must match'],
    ['users/find@1.0.0', 'must match'],
    ['users\\find', 'must match'],
  ])('may not be %j', (text, reason) => {
    expect(controlPathFault(text)).toContain(reason);
    expect(isControlPath(text)).toBe(false);
    expect(() => parseControlPath(text)).toThrow(
      expect.objectContaining({ code: 'bad-path', detail: expect.stringContaining(reason) }),
    );
  });

  it.each([...RESERVED_FIRST_SEGMENTS])('may not begin with %s, which the mesh keeps', (segment) => {
    expect(controlPathFault(segment)).toContain('kept for the mesh');
    expect(controlPathFault(`${segment}/more`)).toContain('kept for the mesh');
    expect(controlPathFault(`more/${segment}`)).toBeUndefined();
  });

  it('is the same after a trip through reference, subject and key', () => {
    for (let i = 0; i < 2_000; i++) {
      const path = anyPath() as ControlPath;
      if (controlPathFault(path)) continue;
      expect(parseReference(formatReference({ path }))).toEqual({ path });
      expect(pathOfRouteKey(routeKey(path))).toBe(path);
      expect(callSubject(path)).toMatch(/^mesh\.call(\.[a-z0-9][a-z0-9_-]*)+$/);
      expect(callSubject(path).split('.')).toHaveLength(path.split('/').length + 2);
    }
  });

  it('is never found in random text that holds anything but its alphabet', () => {
    for (let i = 0; i < 5_000; i++) {
      const text = textOf(random, 'ab1_-/.*>+#$% @\0\r\n\tÄ', between(random, 1, 30));
      if (isControlPath(text)) expect(text).toMatch(/^[a-z0-9][a-z0-9_-]*(\/[a-z0-9][a-z0-9_-]*)*$/);
      else expect(controlPathFault(text)).toMatch(/\w/);
    }
  });
});

describe('a reference', () => {
  it.each([
    ['users/find', { path: 'users/find' }],
    ['users/find@1.2.0', { path: 'users/find', version: '1.2.0' }],
    ['users/find@1.2.0-rc.1+build.5', { path: 'users/find', version: '1.2.0-rc.1+build.5' }],
    ['users/find@canary', { path: 'users/find', version: 'canary' }],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
    expect(formatReference(parseReference(text))).toBe(text);
  });

  it.each([
    'users/find@',
    'users/find@1',
    'users/find@1.2',
    'users/find@v1.2.0 ',
    'users/find@Canary',
    '@1.0.0',
  ])('is not %j', (text) =>
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'bad-path' })),
  );

  it('has a version or an alias, never something that is both', () => {
    for (const version of ['0.0.0', '1.2.3', '10.20.30-alpha.1', '1.0.0+x']) {
      expect(isVersion(version)).toBe(true);
      expect(isAlias(version)).toBe(false);
    }
    for (const text of ['01.0.0', '1.0.0-', '1.0.0-01', `1.0.0-${'a'.repeat(60)}`, '1.0.0\n'])
      expect(isVersion(text)).toBe(false);
  });
});
