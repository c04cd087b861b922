import { access, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { digestOf, PackError, pack, unpack } from './index.js';
import { readModule } from './read-module.js';

let root: string;
let made = 0;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'mesh-pack-spec-')));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Writes files below a new folder, or one that is named. */
async function folder(files: Record<string, string>, name = `f${++made}`): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, file)), { recursive: true });
    await writeFile(join(root, name, file), text);
  }
  return join(root, name);
}

// What handler() of @lambda-mesh/handler makes, written out: the two libraries share this symbol and nothing else.
const define = (path: string, options = '{}') =>
  `({ [Symbol.for('lambda-mesh.handler')]: 1, path: '${path}', options: ${options}, run: () => 1 })`;
const defining = (path: string, options?: string) => `export default ${define(path, options)};`;
const VERSIONED = "{ version: '1.0.0' }";
const refusal = async (packing: Promise<unknown>): Promise<PackError> => {
  const error = await packing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PackError) return error;
  throw new Error(`not refused by a PackError: ${String(error)}`);
};

/** A dependency of the awkward kind: CommonJS, with built-ins, its own place, and a native extra that may be missing. */
const DEPENDENCY = {
  'package.json': '{ "name": "dep", "main": "index.js" }',
  'index.js': `const path = require('path'); const inner = require('inner');
    let native; try { native = require('pg-native'); } catch { native = 'without'; }
    exports.place = () => [path.basename(__dirname) !== '', path.isAbsolute(__filename), native, inner];`,
};
const INNER = { 'package.json': '{ "name": "inner" }', 'index.js': "module.exports = 'inner'" };
const below = (name: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([file, text]) => [`${name}/${file}`, text]));
const INSTALLED = {
  ...below('node_modules/dep', DEPENDENCY),
  ...below('node_modules/dep/node_modules/inner', INNER),
};
const SOURCES = {
  'package.json': '{ "name": "example", "version": "2.0.0", "description": "An example." }',
  'handler.ts': `import { place } from 'dep';
    import { one } from './one.js';
    export default ${define('users/find', "{ meta: { owner: 'crm', one: one() }, env: ['DATABASE_URL'] }")};
    export const where: unknown = place();
    export class Box { field = 1 }`,
  'one.ts': 'export function one(): number { return Math.min(1, Date.now()); }',
};

describe('an artifact', () => {
  it('has a manifest, one module and its map, and nothing of the machine', async () => {
    const packed = await pack(await folder({ ...SOURCES, ...INSTALLED }));
    const { manifest, files } = await unpack(packed.artifact);
    expect([...files.keys()]).toEqual(['manifest.json', 'handler.mjs', 'handler.mjs.map']);
    expect(manifest).toEqual(packed.manifest);
    expect(manifest).toEqual({
      path: 'users/find',
      version: '2.0.0',
      description: 'An example.',
      runtime: 'node',
      entry: 'handler.mjs',
      triggers: [],
      limits: {},
      env: ['DATABASE_URL'],
      meta: { owner: 'crm', one: 1 },
    });
    expect(packed).toMatchObject({ digest: digestOf(packed.artifact), size: packed.artifact.length });
    const map = Buffer.from(files.get('handler.mjs.map') as Uint8Array).toString();
    expect(JSON.parse(map).sources).toEqual([
      'node_modules/inner/index.js',
      'node_modules/dep/index.js',
      'handler.ts',
      'one.ts',
    ]);
    for (const bytes of files.values()) expect(Buffer.from(bytes).includes(root)).toBe(false);
  });

  it('has the same bytes wherever the folder and its packages lie', async () => {
    // One machine has the native extra, the other has not.
    const native = below('node_modules/pg-native', { 'index.js': "module.exports = 'with'" });
    const own = await folder({ ...SOURCES, ...INSTALLED, ...native });
    await folder(below('node_modules/dep', DEPENDENCY), 'workspace');
    await folder(below('node_modules/inner', INNER), 'workspace');
    // Settings of a folder above are not the handler's.
    await folder(
      { 'tsconfig.json': '{ "compilerOptions": { "useDefineForClassFields": false } }' },
      'workspace',
    );
    const hoisted = await folder(SOURCES, 'workspace/deeply/nested/example');
    const digests = await Promise.all([own, own, hoisted].map(async (path) => (await pack(path)).digest));
    expect(new Set(digests).size).toBe(1);
  });

  it('changes with its sources', async () => {
    const first = await folder({ 'handler.js': defining('a', VERSIONED) });
    const second = await folder({ 'handler.js': defining('b', VERSIONED) });
    expect((await pack(first)).digest).not.toBe((await pack(second)).digest);
  });

  it('runs: CommonJS packages find require, __dirname and __filename', async () => {
    const packed = await pack(await folder({ ...SOURCES, ...INSTALLED }));
    const { files } = await unpack(packed.artifact);
    const place = await folder({
      'handler.mjs': Buffer.from(files.get('handler.mjs') as Uint8Array).toString(),
    });
    const module = (await import(join(place, 'handler.mjs'))) as { where: unknown };
    expect(module.where).toEqual([true, true, 'without', 'inner']);
  });

  it('is written into a folder when asked, whole or not at all', async () => {
    const source = await folder({ 'handler.js': defining('users/find', VERSIONED) });
    const outDir = join(root, 'out');
    const { artifact } = await pack(source, { outDir });
    expect(await readdir(outDir)).toEqual(['users-find-1.0.0.tgz']);
    expect(digestOf(await readFile(join(outDir, 'users-find-1.0.0.tgz')))).toBe(digestOf(artifact));
    expect(await readdir(source)).toEqual(['handler.js']);
  });
});

describe('the entry', () => {
  it.each([
    'handler.ts',
    'handler.mjs',
    'handler.js',
    'handler.cjs',
    'index.ts',
    'src/handler.ts',
    'src/index.js',
  ])('is found as %s', async (file) => {
    const text = file.endsWith('.cjs')
      ? `module.exports = ${define('a', VERSIONED)};`
      : defining('a', VERSIONED);
    expect((await pack(await folder({ [file]: text }))).manifest.path).toBe('a');
  });

  it('is what package.json names, before any other', async () => {
    const files = { 'package.json': '{ "main": "./lib/it.js" }', 'handler.js': defining('wrong', VERSIONED) };
    expect(
      (await pack(await folder({ ...files, 'lib/it.js': defining('right', VERSIONED) }))).manifest.path,
    ).toBe('right');
  });
});

describe('the manifest', () => {
  const plain = (mesh: object, version?: string) => ({
    'package.json': JSON.stringify({ mesh, ...(version === undefined ? {} : { version }) }),
    'handler.js': 'export function handle(payload) { return payload }',
  });

  it('of a plain export is what package.json says', async () => {
    const { manifest } = await pack(await folder(plain({ path: 'a/b', meta: { owner: 'me' } }, '3.0.0')));
    expect(manifest).toMatchObject({ path: 'a/b', version: '3.0.0', meta: { owner: 'me' } });
    expect((await pack(await folder(plain({ path: 'a', version: '4.0.0' }, '3.0.0')))).manifest.version).toBe(
      '4.0.0',
    );
  });

  it('names the file that packing makes, whatever package.json says', async () => {
    const { manifest } = await pack(await folder(plain({ path: 'a', entry: 'src.js' }, '1.0.0')));
    expect(manifest.entry).toBe('handler.mjs');
  });

  it('of a definition goes before package.json', async () => {
    const files = {
      'package.json':
        '{ "version": "1.0.0", "description": "old", "mesh": { "path": "a", "limits": { "timeoutMs": 5 } } }',
      'handler.js': defining('a', "{ version: '2.0.0', description: 'new' }"),
    };
    expect((await pack(await folder(files))).manifest).toMatchObject({
      version: '2.0.0',
      description: 'new',
      limits: { timeoutMs: 5 },
    });
  });

  it('of one definition among several is the one that package.json names', async () => {
    const two = `export const a = ${define('a', VERSIONED)}; export const b = ${define('b', VERSIONED)};`;
    const named = { 'package.json': '{ "mesh": { "path": "b" } }', 'handler.js': two };
    expect((await pack(await folder(named))).manifest.path).toBe('b');
    expect(await refusal(pack(await folder({ 'handler.js': two })))).toMatchObject({
      code: 'several-handlers',
    });
  });
});

describe('a folder is refused', () => {
  it.each<[string, Record<string, string>, string]>([
    ['without a handler', { 'README.md': '' }, 'no-entry'],
    [
      'with a main that is not there',
      { 'package.json': '{ "main": "dist/x.js" }', 'handler.js': '' },
      'no-entry',
    ],
    ['with a main outside', { 'package.json': '{ "main": "../../../etc/hostname" }' }, 'no-entry'],
    ['with a package.json that is no JSON', { 'package.json': '{', 'handler.js': '' }, 'bad-package-json'],
    [
      'with a "mesh" of another kind',
      { 'package.json': '{ "mesh": "a" }', 'handler.js': '' },
      'bad-package-json',
    ],
    ['that exports nothing', { 'handler.js': '' }, 'no-handler'],
    [
      'that exports no handler',
      { 'handler.js': 'export const handle = 1; export function find() {}' },
      'no-handler',
    ],
    ['without a path', { 'handler.js': 'export const handle = () => 1' }, 'no-path'],
    ['without a version', { 'handler.js': defining('a') }, 'no-version'],
    ['with a bad path', { 'handler.js': defining('Users/Find', VERSIONED) }, 'bad-manifest'],
    ['with a bad version', { 'handler.js': defining('a', "{ version: 'new' }") }, 'bad-manifest'],
    [
      'with an unknown option',
      { 'handler.js': defining('a', "{ version: '1.0.0', timeout: 1 }") },
      'bad-manifest',
    ],
    [
      'that wants the mesh’s secrets',
      { 'handler.js': defining('a', "{ version: '1.0.0', env: ['MESH_ADMIN_TOKEN'] }") },
      'bad-manifest',
    ],
    [
      'with two paths',
      { 'package.json': '{ "mesh": { "path": "b" } }', 'handler.js': defining('a', VERSIONED) },
      'path-conflict',
    ],
    [
      'with a missing export',
      {
        'package.json': '{ "version": "1.0.0", "mesh": { "path": "a", "export": "x" } }',
        'handler.js': 'export const handle = () => 1',
      },
      'no-handler',
    ],
    ['that throws while loading', { 'handler.js': "throw new Error('no DATABASE_URL')" }, 'load-failed'],
    ['that throws what cannot be read', { 'handler.js': 'throw Object.create(null)' }, 'load-failed'],
    ['that ends its process', { 'handler.js': 'process.exit(0)' }, 'load-failed'],
    [
      'whose timer throws before it has loaded',
      { 'handler.js': 'setTimeout(() => { throw 1 }); await new Promise(() => setTimeout(() => 0, 60_000))' },
      'load-failed',
    ],
    [
      'whose options have no JSON',
      { 'handler.js': defining('a', "{ version: '1.0.0', meta: { n: 1n } }") },
      'load-failed',
    ],
    ['with a syntax error', { 'handler.ts': 'const a: = 1' }, 'bundle-failed'],
    ['with a missing package', { 'handler.ts': "import 'not-installed'" }, 'bundle-failed'],
  ])('%s', async (_what, files, code) => {
    const error = await refusal(pack(await folder(files)));
    expect(error.code).toBe(code);
    expect(error.remedy).toMatch(/\.$/);
  });

  it('that is not there', async () => {
    expect(await refusal(pack(join(root, 'nowhere')))).toMatchObject({ code: 'no-folder' });
  });

  it('with file and line of each fault', async () => {
    const error = await refusal(
      pack(await folder({ 'handler.ts': "import './b.js'", 'b.ts': '\nlet x = ;' })),
    );
    expect(error.reason).toMatch(/b\.ts:2:9: Unexpected/);
  });

  it('with the place in the sources where it threw', async () => {
    const error = await refusal(
      pack(await folder({ 'handler.ts': "\n\nthrow new Error('no DATABASE_URL')" })),
    );
    expect(error.reason).toMatch(/no DATABASE_URL[\s\S]*handler\.ts:3:7/);
  });

  it('that takes for ever to load, also when it never yields', async () => {
    const map = Buffer.from('{}');
    for (const text of ['for (;;);', 'await new Promise(() => setInterval(() => 0, 1000))'])
      expect(
        await refusal(
          readModule(
            new Map([
              ['handler.mjs', Buffer.from(text)],
              ['handler.mjs.map', map],
            ]),
            300,
          ),
        ),
      ).toMatchObject({
        code: 'load-timeout',
      });
  });
});

describe('loading', () => {
  it('sees no environment and leaves no file', async () => {
    const meta = '{ seen: Object.keys(process.env), place: import.meta.dirname }';
    const files = { 'handler.js': defining('a', `{ version: '1.0.0', meta: ${meta} }`) };
    const { seen, place } = (await pack(await folder(files))).manifest.meta as { seen: []; place: string };
    expect(seen).toEqual([]);
    // Its own folder, told by the module: others pack at the same time.
    expect(place).toContain('mesh-pack-');
    await expect(access(place)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
