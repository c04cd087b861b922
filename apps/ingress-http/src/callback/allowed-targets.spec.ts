import { describe, expect, it } from '@jest/globals';
import { AllowedTargets, isTarget } from './allowed-targets.js';
import { isPublic } from './public-address.js';
import { checkTarget, targetOf } from './resolve.js';

describe('an address of the internet', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '2a00:1450::1'])(
    '%s is one',
    (address) => expect(isPublic(address)).toBe(true),
  );

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.2.1',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a00:1',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'nonsense',
  ])('%s is none', (address) => expect(isPublic(address)).toBe(false));
});

describe('an entry of the list', () => {
  it.each([
    '*',
    'example.org',
    '*.example.org',
    'HOOKS.example.org',
    'localhost',
    '10.0.0.0/8',
    '::1',
    'fd00::/8',
  ])('may be %s', (entry) => expect(isTarget(entry)).toBe(true));

  it.each([
    '',
    'https://example.org',
    'example.org:80',
    '*.*',
    'a*.org',
    '-a.org',
    'fd00::/129',
    '1.2.3.4/a',
    'a/8',
  ])('is not %s', (entry) => expect(isTarget(entry)).toBe(false));
});

const NAMES: Record<string, string[]> = {
  'hooks.example.org': ['93.184.216.34'],
  'a.example.net': ['93.184.216.35', '2606:2800::1'],
  'rebound.example.org': ['127.0.0.1'],
  'half.example.org': ['93.184.216.34', '10.0.0.5'],
  'inside.example': ['10.1.0.7'],
  'outside.example': ['93.184.216.36'],
  localhost: ['127.0.0.1', '::1'],
  'example.org': ['93.184.216.37'],
  'evilexample.org': ['93.184.216.38'],
  'evil.example': ['93.184.216.39'],
  'hooks.example.org.evil.example': ['93.184.216.39'],
};
const resolve = async (host: string) => {
  const found = NAMES[host];
  if (!found) throw new Error('ENOTFOUND');
  return found;
};
const allowed = new AllowedTargets(['*.example.org', 'a.example.net', '10.1.0.0/16']);
const ask = (url: string) => targetOf(url, allowed, resolve).then(({ addresses }) => addresses);

describe('where results may go', () => {
  it.each([
    ['https://hooks.example.org/path?x=1', NAMES['hooks.example.org']],
    ['http://HOOKS.example.org:8080', NAMES['hooks.example.org']],
    ['https://a.example.net', NAMES['a.example.net']],
    ['https://inside.example', ['10.1.0.7']],
    ['https://10.1.2.3/', ['10.1.2.3']],
    ['https://0x0a010203/', ['10.1.2.3']],
  ])('%s', async (url, addresses) => {
    expect(await ask(url)).toEqual(addresses);
  });

  it.each([
    'ftp://hooks.example.org',
    'file:///etc/passwd',
    'hooks.example.org',
    'javascript:alert(1)',
    'https://user:pass@hooks.example.org',
    'https://hooks.example.org/a b',
    'https://hooks.example.org/\r\nx: y',
    `https://hooks.example.org/${'x'.repeat(2_048)}`,
    'https://',
    'https://127.0.0.1',
    'https://127.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://0177.0.0.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://[::ffff:a01:203]@evil.example',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost',
    'https://example.org',
    'https://evilexample.org',
    'https://hooks.example.org.evil.example',
    'https://hooks.example.org@evil.example',
    'https://outside.example',
    'https://93.184.216.34',
    'https://rebound.example.org',
    'https://half.example.org',
  ])('not %s', async (url) => {
    await expect(ask(url)).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('a private address by a name that is in the list, where the list has its network', async () => {
    const both = new AllowedTargets(['inside.example', '10.1.0.0/16']);
    expect((await targetOf('http://inside.example', both, resolve)).addresses).toEqual(['10.1.0.7']);
    const nameOnly = new AllowedTargets(['inside.example']);
    await expect(targetOf('http://inside.example', nameOnly, resolve)).rejects.toMatchObject({
      code: 'bad-request',
    });
  });

  it('anywhere but here with *', async () => {
    const any = new AllowedTargets(['*']);
    expect((await targetOf('https://outside.example', any, resolve)).addresses).toEqual(['93.184.216.36']);
    expect((await targetOf('https://93.184.216.34', any, resolve)).addresses).toEqual(['93.184.216.34']);
    for (const url of ['https://inside.example', 'https://rebound.example.org', 'https://[::1]'])
      await expect(targetOf(url, any, resolve)).rejects.toMatchObject({ code: 'bad-request' });
  });

  it('nowhere without a list', async () => {
    await expect(
      targetOf('https://hooks.example.org', new AllowedTargets([]), resolve),
    ).rejects.toMatchObject({ code: 'bad-request' });
  });
});

describe('before work is accepted', () => {
  it('a host in the list need not be there yet, any other must', async () => {
    await checkTarget('https://soon.example.org', allowed, resolve);
    await expect(checkTarget('https://soon.example', allowed, resolve)).rejects.toMatchObject({
      code: 'bad-request',
    });
  });
});
