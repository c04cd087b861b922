import { describe, expect, it } from '@jest/globals';
import type { ControlPath, Route } from '#contracts';
import { Functions } from './functions.js';

const functions = (...paths: string[]): Functions => {
  const all = new Functions();
  for (const path of paths) put(all, path);
  return all;
};
const put = (all: Functions, path: string) => all.update(path as ControlPath, { path } as Route);
const drop = (all: Functions, path: string) => all.update(path as ControlPath, undefined);

describe('functions', () => {
  it('are found by their path, and by the name that it has without slashes', () => {
    const all = functions('users/find', 'a/b/c', 'plain');
    expect(['users/find', 'users-find', 'a-b-c', 'plain'].map((name) => all.find(name)?.path)).toEqual([
      'users/find',
      'users/find',
      'a/b/c',
      'plain',
    ]);
    for (const name of ['users', 'find', 'a/b-c', 'a-b', '', 'USERS-FIND', '__proto__'])
      expect(all.find(name)).toBeUndefined();
  });

  it('are nobody where two could be meant, until one of them is gone', () => {
    const all = functions('a/b-c', 'a-b/c');
    expect(all.find('a-b-c')).toBeUndefined();
    drop(all, 'a/b-c');
    expect(all.find('a-b-c')?.path).toBe('a-b/c');
    drop(all, 'a-b/c');
    expect(all.find('a-b-c')).toBeUndefined();
  });

  it('of that very name go before all others', () => {
    const all = functions('a/b', 'a-b');
    expect(all.find('a-b')?.path).toBe('a-b');
    drop(all, 'a-b');
    expect(all.find('a-b')?.path).toBe('a/b');
  });

  it('are the latest of their path', () => {
    const all = functions('a/b');
    all.update('a/b' as ControlPath, { path: 'a/b', revision: 2 } as Route);
    expect(all.find('a-b')?.revision).toBe(2);
    expect(all.all().map(({ path }) => path)).toEqual(['a/b']);
  });
});
