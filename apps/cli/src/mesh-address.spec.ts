import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findHttp, findNats, findRegistry } from './mesh-address.js';
import { type Environment, shellOf } from './shell.js';

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mesh-address-')));
  writeMesh('.mesh', 'near');
  writeMesh('other', 'other');
  mkdirSync(join(root, 'a/b'), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function writeMesh(folder: string, name: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  const file = {
    pid: 1,
    http: `http://${name}:1`,
    registry: `http://${name}:2`,
    nats: `nats://${name}:3`,
    token: `${name}-token`,
    operator: { user: 'operator', password: `${name}-secret` },
  };
  writeFileSync(join(root, folder, 'mesh.json'), JSON.stringify(file));
}

const shell = (environment: Environment = {}, folder = 'a/b') => shellOf(join(root, folder), environment);
const REMOTE = { MESH_REGISTRY_URL: 'https://remote/' };

describe('the registry', () => {
  it.each<[string, Environment, object, object]>([
    ['a folder above', {}, {}, { url: 'http://near:2', token: 'near-token' }],
    ['MESH_DATA_DIR', { MESH_DATA_DIR: '../../other' }, {}, { url: 'http://other:2', token: 'other-token' }],
    ['the environment', { ...REMOTE, MESH_TOKEN: 't' }, {}, { url: 'https://remote', token: 't' }],
    [
      'the line, before the environment',
      { ...REMOTE, MESH_TOKEN: 't' },
      { registry: 'http://stated', token: 's' },
      { url: 'http://stated', token: 's' },
    ],
    ['a folder above, with another token', { MESH_TOKEN: 't' }, {}, { url: 'http://near:2', token: 't' }],
    [
      'the line, with the token beside it',
      {},
      { registry: 'http://near:2/' },
      { url: 'http://near:2', token: 'near-token' },
    ],
  ])('is found in %s', (_where, environment, stated, expected) => {
    expect(findRegistry(shell(environment), stated)).toEqual(expected);
  });

  it('is never sent the token of another mesh', () => {
    expect(() => findRegistry(shell(REMOTE), {})).toThrow(
      'There is no token for the registry at https://remote',
    );
    expect(() => findRegistry(shell(), { registry: 'http://evil' })).toThrow('There is no token');
  });

  it('that is nowhere is answered by what to do', () => {
    const lost = shell({ MESH_DATA_DIR: join(root, 'nowhere') });
    expect(() => findRegistry(lost, {})).toThrow(/mesh dev here.*MESH_REGISTRY_URL and MESH_TOKEN/);
    expect(() => findHttp(lost, undefined)).toThrow('MESH_HTTP_URL');
    expect(() => findNats(lost, undefined)).toThrow('MESH_NATS_URL');
  });
});

describe('NATS', () => {
  it('is entered as operator of the embedded mesh, or as who is stated, never with the password of another', () => {
    expect(findNats(shell(), undefined)).toMatchObject({
      natsUrl: 'nats://near:3',
      natsPassword: 'near-secret',
    });
    expect(findNats(shell({ MESH_NATS_USER: 'me' }), undefined)).toMatchObject({
      natsUser: 'me',
      natsPassword: undefined,
    });
    expect(findNats(shell(), 'nats://remote:4')).toMatchObject({
      natsUser: undefined,
      natsPassword: undefined,
    });
  });
});
