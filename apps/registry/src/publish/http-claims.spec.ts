import { describe, expect, it } from '@jest/globals';
import { type ControlPath, type ManifestInput, manifest } from '#contracts';
import { overlaps } from '../catalogue/values.js';
import { httpClaims } from './http-claims.js';

const path = 'users/find' as ControlPath;
const claims = (triggers: ManifestInput['triggers']) =>
  httpClaims(manifest.parse({ path, version: '1.0.0', triggers })).map((c) => `${c.method} ${c.pattern}`);

describe('HTTP claims of a manifest', () => {
  it.each<[string, ManifestInput['triggers'], string[]]>([
    ['no trigger at all: its own path', undefined, ['* /users/find']],
    ['triggers of other sources only: nothing', [{ mqtt: { filter: 'a' } }, { sqs: { queue: 'q' } }], []],
    ['a method without a path: its own path', [{ http: { method: 'GET' } }], ['GET /users/find']],
    ['a path without a method: any', [{ http: { path: '/u/{id}' } }], ['* /u/{}']],
    [
      'several methods, said twice',
      [{ http: { method: ['GET', 'PUT'], path: '/u/{id}' } }, { http: { method: 'GET', path: '/u/{key}' } }],
      ['GET /u/{}', 'PUT /u/{}'],
    ],
  ])('%s', (_, triggers, expected) => {
    expect(claims(triggers)).toEqual(expected);
  });
});

describe('overlap', () => {
  it.each([
    ['GET', 'GET', true],
    ['GET', 'PUT', false],
    ['*', 'PUT', true],
    ['GET', '*', true],
    ['*', '*', true],
  ])('%s and %s of one pattern: %s', (one, other, expected) => {
    expect(overlaps({ pattern: '/a', method: one }, { pattern: '/a', method: other })).toBe(expected);
    expect(overlaps({ pattern: '/a', method: one }, { pattern: '/b', method: other })).toBe(false);
  });
});
