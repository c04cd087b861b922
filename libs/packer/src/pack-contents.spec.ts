import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PackError, pack, packAll, unpack, writeFiles } from './index.js';

/* What an artifact holds beside the code, and what its manifest says of where it comes from. */
const run = promisify(execFile);
const here = createRequire(import.meta.url);
/** A small add-on that is installed here anyway: there is no compiler to make one. */
const ADDON = here.resolve('@unrs/resolver-binding-linux-x64-gnu');

let root: string;
let made = 0;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'mesh-contents-spec-')));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folder(files: Record<string, string>, name = `f${++made}`): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, file)), { recursive: true });
    await writeFile(join(root, name, file), text);
  }
  return join(root, name);
}

const define = (path: string, options = "{ version: '1.0.0' }", body = '() => 1') =>
  `({ [Symbol.for('lambda-mesh.handler')]: 1, path: '${path}', options: ${options}, run: ${body} })`;
const packageJson = (mesh: object) => JSON.stringify({ version: '1.0.0', mesh });
const refusal = (packing: Promise<unknown>): Promise<PackError> =>
  packing.then(
    () => {
      throw new Error('not refused');
    },
    (error: unknown) => error as PackError,
  );

/** Lays an artifact out as an executor does, runs a script there, and gives what it prints. */
async function runIn(artifact: Uint8Array, script: string): Promise<string> {
  const place = join(root, `run${++made}`);
  await writeFiles(place, (await unpack(artifact)).files);
  const args = ['--enable-source-maps', '--input-type=module', '-e', script];
  const { stdout } = await run(process.execPath, args, { cwd: place });
  return stdout.trim();
}

describe('a stack trace', () => {
  it("names the author's own file, line and column, also in a package of his", async () => {
    const path = await folder({
      'package.json': packageJson({}),
      'src/handler.ts': `import { check } from '../lib/check.js';
        export default ${define('a', undefined, '(event: { id?: string }) => check(event.id)')};`,
      'lib/check.ts': `type Id = string | undefined;
        interface Unused { readonly left: 'out' }

        export function check(id: Id): string {
          if (id === undefined) throw new Error('no id');
          return id;
        }`,
    });
    const { artifact } = await pack(path);
    const script = `const { default: handler } = await import('./handler.mjs');
      try { handler.run({}) } catch (error) { console.log(error.stack) }`;
    const stack = await runIn(artifact, script);
    expect(stack).toMatch(/no id\n {4}at check \(.*\/lib\/check\.ts:5:39\)/);
    expect(stack).toMatch(/src\/handler\.ts:2:\d+/);
  });
});

describe('assets', () => {
  const HANDLER = `import { readFileSync } from 'node:fs';
    import { join } from 'node:path';
    export const page = (name) => readFileSync(join(import.meta.dirname, 'templates', name), 'utf8');
    export const url = () => readFileSync(new URL('./templates/a.html', import.meta.url), 'utf8');
    const first = page('a.html');
    export default ${define('a', "{ version: '1.0.0', meta: { first } }")};`;
  const FILES = { 'templates/a.html': '<p>a', 'templates/mail/b.html': '<p>b', 'templates/c.txt': 'c' };

  it('lie beside the handler as they do in its folder, also while it is loaded to be packed', async () => {
    const assets = ['templates/**/*.html', 'templates/a.html'];
    const path = await folder({
      'package.json': packageJson({ assets }),
      'handler.mjs': HANDLER,
      ...FILES,
    });
    const { artifact, manifest } = await pack(path);
    expect([...(await unpack(artifact)).files.keys()]).toEqual([
      'manifest.json',
      'handler.mjs',
      'handler.mjs.map',
      'templates/a.html',
      'templates/mail/b.html',
    ]);
    expect(manifest.meta).toEqual({ first: '<p>a' });
    const script = `const { page, url } = await import('./handler.mjs'); console.log(page('mail/b.html'), url())`;
    expect(await runIn(artifact, script)).toBe('<p>b <p>a');
  });

  it('of a handler in src lie in src', async () => {
    const files = Object.entries(FILES).map(([name, text]) => [`src/${name}`, text]);
    const json = packageJson({ assets: ['src/templates/*.html'] });
    const path = await folder({
      'package.json': json,
      'src/handler.mjs': HANDLER,
      ...Object.fromEntries(files),
    });
    expect([...(await unpack((await pack(path)).artifact)).files.keys()]).toContain('templates/a.html');
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['that match nothing', ['templates/*.css'], {}, /No file matches .*templates\/\*\.css/],
    ['outside of the handler’s folder', ['other/a.txt'], {}, /does not lie below/],
    ['outside of the package', ['../outside.txt'], { '../outside.txt': 'x' }, /does not lie below/],
    ['with a hidden name', ['src/.env'], {}, /cannot hold/],
    ['with the name of the module', ['src/handler.mjs'], {}, /that packing makes/],
    ['that are links outwards', ['src/link.txt'], {}, /a link that leads out/],
  ])('%s are refused', async (_what, assets, more, reason) => {
    const path = await folder({
      'package.json': packageJson({ assets }),
      'src/handler.mjs': `export default ${define('a')}`,
      'src/.env': 'SECRET=1',
      'other/a.txt': 'a',
      ...more,
    });
    await symlink('/etc/hostname', join(path, 'src/link.txt'));
    const error = await refusal(pack(path));
    expect(error).toMatchObject({ code: 'bad-asset' });
    expect(error.reason).toMatch(reason);
  });

  it('stated as anything but patterns are refused', async () => {
    const path = await folder({ 'package.json': packageJson({ assets: '*.html' }), 'handler.mjs': '' });
    expect(await refusal(pack(path))).toMatchObject({ code: 'bad-package-json' });
  });
});

describe('native add-ons', () => {
  const SCRIPT = `const { load } = await import('./handler.mjs'); console.log(Object.keys(load()).includes('ResolverFactory'))`;

  async function withAddon(files: Record<string, string>, ...places: string[]): Promise<string> {
    const path = await folder({ 'package.json': packageJson({}), ...files });
    for (const place of places) {
      await mkdir(dirname(join(path, place)), { recursive: true });
      await copyFile(ADDON, join(path, place));
    }
    return path;
  }
  const handlerWith = (load: string) => `${load}\nexport default ${define('a')};`;

  it.each([
    ['required', "export const load = () => require('./build/Release/it.node');"],
    ['imported', "import it from './build/Release/it.node'; export const load = () => it;"],
  ])('%s lie beside the module, and work', async (_how, load) => {
    const path = await withAddon({ 'handler.js': handlerWith(load) }, 'build/Release/it.node');
    const { artifact } = await pack(path);
    const names = [...(await unpack(artifact)).files.keys()];
    expect(names).toEqual([
      'manifest.json',
      'handler.mjs',
      'handler.mjs.map',
      expect.stringMatching(/^it-.*\.node$/),
    ]);
    expect(await runIn(artifact, SCRIPT)).toBe('true');
  });

  it('of a package that searches for them by "bindings" or "node-gyp-build" are found when packing', async () => {
    const load =
      "import one from 'one'; import two from 'two'; export const load = () => ({ ...one, ...two });";
    const path = await withAddon(
      {
        'handler.js': handlerWith(load),
        'node_modules/one/package.json': '{ "name": "one" }',
        'node_modules/one/lib/index.js': "module.exports = require('bindings')('one.node');",
        'node_modules/one/index.js': "module.exports = require('./lib/index.js');",
        'node_modules/two/package.json': '{ "name": "two" }',
        'node_modules/two/index.js': "module.exports = require('node-gyp-build')(__dirname);",
        'node_modules/node-gyp-build/package.json': '{ "name": "node-gyp-build" }',
        'node_modules/node-gyp-build/index.js':
          "exports.path = (folder) => require('path').join(folder, 'prebuilds/linux-x64/two.node');",
      },
      'node_modules/one/build/Release/one.node',
      'node_modules/two/prebuilds/linux-x64/two.node',
    );
    expect(await runIn((await pack(path)).artifact, SCRIPT)).toBe('true');
  });

  it('have the same bytes wherever the folder lies', async () => {
    const files = { 'handler.js': handlerWith("export const load = () => require('./build/it.node');") };
    const [one, other] = [await withAddon(files, 'build/it.node'), await withAddon(files, 'build/it.node')];
    expect((await pack(one)).digest).toBe((await pack(other)).digest);
  });

  it('that were not built are named', async () => {
    const path = await withAddon({
      'handler.js': handlerWith("import one from 'one'; export const load = () => one;"),
      'node_modules/one/package.json': '{ "name": "one" }',
      'node_modules/one/index.js': "module.exports = require('bindings')('one');",
    });
    const error = await refusal(pack(path));
    expect(error.reason).toContain('one has no ".node" file here');
    expect(error.remedy).toContain('npm rebuild');
  });
});

describe('several handlers in a folder', () => {
  const files = (handlers: object) => ({
    'package.json': JSON.stringify({ version: '1.2.0', mesh: { meta: { owner: 'crm' }, handlers } }),
    'src/total.ts': 'export const handle = () => 1;',
    'src/list.ts': `export default ${define('orders/list', "{ version: '2.0.0' }")};`,
  });

  it('are an artifact each, with what they share and what is their own', async () => {
    const total = { entry: 'src/total.ts', limits: { timeoutMs: 5 } };
    const packed = await packAll(
      await folder(files({ 'orders/total': total, 'orders/list': './src/list.ts' })),
    );
    expect(packed.map(({ manifest }) => manifest)).toMatchObject([
      { path: 'orders/total', version: '1.2.0', meta: { owner: 'crm' }, limits: { timeoutMs: 5 } },
      { path: 'orders/list', version: '2.0.0', meta: { owner: 'crm' }, limits: {} },
    ]);
  });

  it('are not packed as one', async () => {
    const path = await folder(files({ 'orders/total': 'src/total.ts', 'orders/list': 'src/list.ts' }));
    const error = await refusal(pack(path));
    expect(error).toMatchObject({ code: 'several-handlers' });
    expect(error.reason).toContain('orders/total, orders/list');
  });

  it.each<[string, unknown, string]>([
    ['is no object', ['a'], 'bad-package-json'],
    ['is empty', {}, 'bad-package-json'],
    ['names no file', { 'orders/total': {} }, 'bad-package-json'],
    ['names a file that is not there', { 'orders/total': 'src/x.ts' }, 'no-entry'],
    ['names another path than the module', { 'orders/find': 'src/list.ts' }, 'path-conflict'],
  ])('whose list %s are refused', async (_what, handlers, code) => {
    expect(await refusal(packAll(await folder(files(handlers as object))))).toMatchObject({ code });
  });
});

describe('the manifest', () => {
  const git = async (path: string, ...args: string[]) => {
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false'];
    return (await run('git', ['-C', path, ...identity, ...args])).stdout.trim();
  };

  it('has the commit of a checkout in which nothing was changed, when asked', async () => {
    const path = await folder({
      '.gitignore': 'node_modules/',
      'handler.mjs': `export default ${define('a')}`,
    });
    const commit = async () => (await pack(path, { commit: true })).manifest.commit;
    expect(await commit()).toBeUndefined();
    await git(path, 'init', '-q');
    expect(await commit()).toBeUndefined();
    await git(path, 'add', '.');
    await git(path, 'commit', '-qm', 'first');
    const first = await pack(path, { commit: true });
    expect(first.manifest.commit).toBe(await git(path, 'rev-parse', 'HEAD'));
    expect((await pack(path, { commit: true })).digest).toBe(first.digest);
    expect((await pack(path)).manifest.commit).toBeUndefined();
    await writeFile(join(path, 'new.txt'), '');
    expect(await commit()).toBeUndefined();
  });

  it('has the input schema of the definition', async () => {
    const input = "{ type: 'object', required: ['id'] }";
    const path = await folder({
      'handler.mjs': `export default ${define('a', `{ version: '1.0.0', input: ${input} }`)}`,
    });
    expect((await pack(path)).manifest.input).toEqual({ type: 'object', required: ['id'] });
  });

  it('has another version when one is given', async () => {
    const path = await folder({ 'handler.mjs': `export default ${define('a')}` });
    expect((await pack(path, { version: (stated) => `${stated}-dev.1` })).manifest.version).toBe(
      '1.0.0-dev.1',
    );
  });
});

describe('the size', () => {
  it('is bounded, packed and unpacked, and the largest packages and files are named', async () => {
    const path = await folder({
      'package.json': packageJson({ assets: ['data.bin'] }),
      'data.bin': 'x'.repeat(40_000),
      'handler.js': `import text from '@big/one'; import 'small'; export { text }; export default ${define('a')};`,
      'node_modules/@big/one/package.json': '{ "name": "@big/one" }',
      'node_modules/@big/one/index.js': `module.exports = '${'y'.repeat(80_000)}'`,
      'node_modules/small/package.json': '{ "name": "small" }',
      'node_modules/small/index.js': 'console.debug(1)',
    });
    const unpacked = await refusal(pack(path, { limits: { packed: 1e6, unpacked: 1e5 } }));
    expect(unpacked.code).toBe('too-large');
    expect(unpacked.reason).toMatch(/KiB unpacked, and 97\.7 KiB is the most/);
    expect(unpacked.reason).toMatch(/78\.\d KiB {2}@big\/one\n +39\.1 KiB {2}data\.bin\n/);
    const packed = await refusal(pack(path, { limits: { packed: 500, unpacked: 1e6 } }));
    expect(packed.reason).toMatch(/and 500 B is the most/);
    await expect(pack(path)).resolves.toBeDefined();
  });
});

describe('the inputs', () => {
  it('are the files that were read, so that they can be watched', async () => {
    const path = await folder({
      'package.json': packageJson({ assets: ['data/*'] }),
      'data/a.txt': '',
      'handler.ts': `import './one.js'; import 'dep'; export default ${define('a')}`,
      'one.ts': '',
      'unused.ts': '',
      'node_modules/dep/package.json': '{ "name": "dep" }',
      'node_modules/dep/index.js': 'globalThis.dep = 1',
    });
    const { inputs } = await pack(path);
    expect(inputs.map((file) => file.slice(path.length + 1)).sort()).toEqual([
      'data/a.txt',
      'handler.ts',
      'node_modules/dep/index.js',
      'one.ts',
    ]);
    for (const file of inputs) await readFile(file);
  });
});
