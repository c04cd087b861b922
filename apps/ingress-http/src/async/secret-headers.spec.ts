import { describe, expect, it } from '@jest/globals';
import type { LiveVersion, Route } from '#contracts';
import { candidates, withoutSecrets } from './secret-headers.js';

const live = (version: string, headers?: string[]) =>
  ({ version, ...(headers && { work: { headers } }) }) as unknown as LiveVersion;
const route = {
  versions: [live('1.0.0'), live('2.0.0', ['authorization', 'x-api-key'])],
  aliases: { old: '1.0.0' },
} as unknown as Route;
const headers = {
  authorization: 'a',
  cookie: 'c',
  'proxy-authorization': 'p',
  'x-api-key': 'k',
  accept: '*/*',
};
const kept = (wanted: string | undefined) =>
  Object.keys(withoutSecrets({ source: 'http', headers }, route, wanted, ['x-api-key']).headers ?? {});

describe('work', () => {
  it('carries no secret header', () => {
    expect(kept('1.0.0')).toEqual(['accept']);
    expect(kept('old')).toEqual(['accept']);
  });

  it('carries those that a version asks for which may run it', () => {
    expect(kept('2.0.0')).toEqual(['authorization', 'x-api-key', 'accept']);
    expect(kept(undefined)).toEqual(['authorization', 'x-api-key', 'accept']);
  });

  it('of a source without headers is as it was', () => {
    const meta = { source: 'http' } as const;
    expect(withoutSecrets(meta, route, undefined, [])).toBe(meta);
  });
});

describe('the versions that may run it', () => {
  it.each<[string | undefined, string[]]>([
    [undefined, ['1.0.0', '2.0.0']],
    ['old', ['1.0.0']],
    ['2.0.0', ['2.0.0']],
    ['3.0.0', []],
    ['toString', []],
  ])('of %s are %j', (wanted, versions) => {
    expect(candidates(route, wanted).map(({ version }) => version)).toEqual(versions);
  });
});
