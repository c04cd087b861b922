import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/*
 * The package as an author gets it: packed by npm, installed in an empty folder without a network, used by a plain
 * node and by TypeScript. What is packed is `dist`, which `npm test` has built.
 */
const run = promisify(execFile);
const home = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const HANDLER = `
import { FAIL, handler, type HttpAnswer, OK, λ } from '@lambda-mesh/handler';
import { call, testMesh } from '@lambda-mesh/handler/testing';
export const find = handler('users/find', { version: '1.0.0', meta: { owner: 'crm' }, triggers: [{ http: { path: '/u' } }] },
  async (event, context) => (event.query.id ? context(OK, { id: event.query.id }) : context(FAIL, { error: 'Missing ?id=' })));
export const page = λ<{ name: string }>('a/page', ({ body }): HttpAnswer => ({ statusCode: 200, body: body.name.toUpperCase() }));
// @ts-expect-error an option that does not exist
handler('a', { versoin: '1.0.0' }, () => 1);
// @ts-expect-error an outcome that does not exist
handler('a', (_, context) => context('MAYBE'));
const answer = await call<{ id: string }>(find, { query: { id: '42' } });
const page1 = await testMesh(find, page).call('a/page', { body: { name: 'ada' } });
console.log(JSON.stringify([answer.outcome, answer.body.id.length, (await call(find)).status, page1.body]));
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-handler-spec-'));
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: home });
  const [tarball] = await readdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', `./${tarball}`], {
    cwd: folder,
  });
  await writeFile(join(folder, 'handler.ts'), HANDLER);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the published package', () => {
  it('needs nothing else, and holds no sources', async () => {
    expect(await readdir(join(folder, 'node_modules'))).toEqual(expect.not.arrayContaining(['zod']));
    const files = await readdir(join(folder, 'node_modules/@lambda-mesh/handler'), { recursive: true });
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
  });

  it('works in an empty folder with a plain node', async () => {
    const { stdout } = await run(process.execPath, ['handler.ts'], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(['ok', 2, 400, 'ADA']);
  });

  it('has a command that runs a handler on one event', async () => {
    const running = run(process.execPath, ['node_modules/.bin/mesh-lambda', 'handler.find'], { cwd: folder });
    running.child.stdin?.end('{"id":"7"}');
    expect(JSON.parse((await running).stdout)).toEqual({ id: '7' });
  });

  it('has types that stand alone', async () => {
    const options = '--noEmit --strict --module nodenext --target es2023 --lib es2023,dom';
    await run(process.execPath, [tsc, ...options.split(' '), 'handler.ts'], { cwd: folder }).catch(
      ({ stdout }: { stdout: string }) => expect(stdout).toBe(''),
    );
  });
});
