import { describe, expect, it } from '@jest/globals';
import { ConfigError, readConfig, setting, text } from './config.js';

const settings = {
  port: setting({
    variable: 'T_PORT',
    schema: text.port(),
    fallback: '8080',
    description: 'A port.',
    remedy: 'a number from 0 to 65535',
  }),
  url: setting({
    variable: 'T_URL',
    schema: text.url('nats:', 'tls:'),
    description: 'A URL.',
    remedy: 'a URL such as nats://127.0.0.1:4222',
  }),
  names: setting({
    variable: 'T_NAMES',
    schema: text.list(),
    fallback: ',',
    description: 'Names.',
    remedy: 'names, separated by commas',
  }),
  mode: setting({
    variable: 'T_MODE',
    schema: text.choice('thread', 'inline'),
    fallback: 'thread',
    description: 'A choice.',
    remedy: 'thread or inline',
  }),
  count: setting({
    variable: 'T_COUNT',
    schema: text.integer(1, 64),
    optional: true,
    description: 'A number.',
    remedy: 'a whole number from 1 to 64',
  }),
  token: setting({
    variable: 'T_TOKEN',
    schema: text.string().regex(/^[a-z]+$/, 'not lower-case letters'),
    optional: true,
    secret: true,
    description: 'A secret.',
    remedy: 'lower-case letters',
  }),
};
const URL_OK = { T_URL: 'nats://127.0.0.1:4222' };

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig('tester', settings, environment);
  } catch (error) {
    return (error as ConfigError).faults;
  }
  return [];
}

describe('configuration', () => {
  it('has defaults, and no key for what is optional and not set', () => {
    const config = readConfig('tester', settings, URL_OK);
    expect(config).toEqual({ port: 8080, url: 'nats://127.0.0.1:4222', names: [], mode: 'thread' });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig('tester', settings, { ...URL_OK, T_PORT: '', T_TOKEN: '' }).port).toBe(8080);
    expect(faultsOf({ T_URL: '' })).toEqual([
      'T_URL is not set. Remedy: a URL such as nats://127.0.0.1:4222',
    ]);
  });

  it('names every fault at once, each with its variable and its remedy', () => {
    const faults = faultsOf({ T_PORT: '70000', T_MODE: 'fiber', T_COUNT: '65' });
    expect(faults).toHaveLength(4);
    for (const [variable, remedy] of [
      ['T_PORT', 'a number from 0 to 65535'],
      ['T_URL', 'a URL such as'],
      ['T_MODE', 'thread or inline'],
      ['T_COUNT', 'a whole number from 1 to 64'],
    ])
      expect(faults.some((f) => f.startsWith(`${variable}`) && f.includes(`Remedy: ${remedy}`))).toBe(true);
  });

  it('says it in one message that begins with who cannot start', () => {
    expect(() => readConfig('tester', settings, {})).toThrow(
      'tester cannot start with this configuration:\n  T_URL is not set.',
    );
    expect(() => readConfig('tester', settings, {})).toThrow(ConfigError);
  });

  it('shows a wrong value, cut short, but never a secret one', () => {
    expect(faultsOf({ ...URL_OK, T_PORT: 'x'.repeat(5000) })[0]?.length).toBeLessThan(250);
    expect(faultsOf({ ...URL_OK, T_PORT: 'no\nport' })[0]).toContain('"no\\nport"');
    const [fault] = faultsOf({ ...URL_OK, T_TOKEN: 'HUNTER2' });
    expect(fault).toContain('T_TOKEN: its value is not usable: not lower-case letters');
    expect(fault).not.toContain('HUNTER2');
  });

  it.each<[string, string]>([
    ['T_PORT', '-1'],
    ['T_PORT', '80.5'],
    ['T_PORT', '0x50'],
    ['T_PORT', ' 80'],
    ['T_PORT', '65536'],
    ['T_COUNT', '0'],
    ['T_COUNT', '1e1'],
    ['T_URL', 'localhost:4222'],
    ['T_URL', 'http://127.0.0.1'],
    ['T_URL', 'nats//x'],
    ['T_MODE', 'Thread'],
    ['T_MODE', 'toString'],
  ])('refuses %s=%s', (variable, value) => {
    expect(faultsOf({ ...URL_OK, [variable]: value })).toEqual([expect.stringMatching(`^${variable}: `)]);
  });

  it('reads lists and numbers', () => {
    const read = readConfig('tester', settings, {
      ...URL_OK,
      T_NAMES: ' a ,, b,',
      T_PORT: '0',
      T_COUNT: '64',
    });
    expect(read).toMatchObject({ names: ['a', 'b'], port: 0, count: 64 });
  });
});
