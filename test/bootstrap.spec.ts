import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

// A checkout in small: the real tools, with an npm and a build that only leave behind what the real ones do.
let root: string;

const NPM = `
import { appendFileSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
appendFileSync('calls', 'install\\n');
if (existsSync('npm-fails')) process.exit(7);
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules');
while (existsSync('npm-waits')) await new Promise((resolve) => setTimeout(resolve, 10));
copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;
const BUILD = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { STAMP, sourceDigest } from './sources.mjs';
appendFileSync('calls', 'build\\n');
mkdirSync('dist', { recursive: true });
writeFileSync(STAMP, sourceDigest('.'));
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mesh-bootstrap-'));
  for (const folder of ['tools', 'apps/a/src', 'libs']) mkdirSync(join(root, folder), { recursive: true });
  for (const tool of ['bootstrap', 'installed', 'sources', 'turn'])
    copyFileSync(`tools/${tool}.mjs`, join(root, `tools/${tool}.mjs`));
  const plain = ['package.json', 'tsconfig.json', 'nest-cli.json', '.swcrc'];
  for (const file of plain) writeFileSync(join(root, file), '{}');
  writeFileSync(join(root, 'package-lock.json'), lock('1.0.0'));
  writeFileSync(join(root, 'apps/a/src/main.ts'), 'export const a = 1;');
  writeFileSync(join(root, 'tools/build.mjs'), BUILD);
  writeFileSync(join(root, 'tools/package.json'), '{"type":"module"}');
  mkdirSync(join(root, 'npm'));
  writeFileSync(join(root, 'npm/npm-cli.js'), NPM);
  writeFileSync(join(root, 'npm/package.json'), '{"type":"module"}');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const lock = (version: string): string =>
  JSON.stringify({ packages: { 'node_modules/x': { version, integrity: `sha512-${version}` } } });

interface Run {
  /** Kills it alone, not what it runs. */
  readonly kill: () => Promise<unknown>;
  readonly result: Promise<{ code: number | null; said: string }>;
}

function bootstrap(): Run {
  const env = { ...process.env, npm_execpath: join(root, 'npm/npm-cli.js') };
  const child = spawn(process.execPath, [join(root, 'tools/bootstrap.mjs')], { env });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const result = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  const gone = once(child, 'exit');
  const kill = () => {
    child.kill('SIGKILL');
    return gone;
  };
  return { kill, result };
}

/** What was done since it was last asked. */
function calls(): string[] {
  const file = join(root, 'calls');
  const done = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  rmSync(file, { force: true });
  return done;
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('bootstrap', () => {
  it('installs and builds what is not there, and then has nothing to do', async () => {
    const first = await bootstrap().result;
    expect(first).toMatchObject({ code: 0 });
    expect(first.said).toMatch(/installing packages: \d+\.\d s\n.*building …\n.*building: \d+\.\d s/);
    expect(calls()).toEqual(['install', 'build']);
    expect(await bootstrap().result).toEqual({ code: 0, said: '' });
    expect(calls()).toEqual([]);
  });

  it('only builds when a source has changed, and not for a spec', async () => {
    await bootstrap().result;
    calls();
    writeFileSync(join(root, 'apps/a/src/main.spec.ts'), '');
    await bootstrap().result;
    expect(calls()).toEqual([]);
    writeFileSync(join(root, 'apps/a/src/main.ts'), 'export const a = 2;');
    await bootstrap().result;
    expect(calls()).toEqual(['build']);
  });

  it('installs again when the lock has changed', async () => {
    await bootstrap().result;
    calls();
    writeFileSync(join(root, 'package-lock.json'), lock('1.0.1'));
    await bootstrap().result;
    expect(calls()).toEqual(['install', 'build']);
  });

  it('does the work once when started twice at the same time', async () => {
    writeFileSync(join(root, 'npm-waits'), '');
    const first = bootstrap();
    await until(() => existsSync(join(root, 'node_modules')));
    const second = bootstrap();
    rmSync(join(root, 'npm-waits'));
    expect((await first.result).code).toBe(0);
    expect((await second.result).code).toBe(0);
    expect(calls()).toEqual(['install', 'build']);
  });

  it('waits for an install whose bootstrap was killed, and does what is missing', async () => {
    writeFileSync(join(root, 'npm-waits'), '');
    const first = bootstrap();
    await until(() => existsSync(join(root, 'node_modules')));
    await first.kill();
    const second = bootstrap();
    rmSync(join(root, 'npm-waits'));
    expect((await second.result).code).toBe(0);
    expect(calls()).toEqual(['install', 'build']);
  });

  it('installs again after one that was interrupted', async () => {
    mkdirSync(join(root, 'node_modules/x'), { recursive: true });
    await bootstrap().result;
    expect(calls()).toEqual(['install', 'build']);
  });

  it('takes over from a holder that is no more', async () => {
    mkdirSync(join(root, '.mesh'));
    const gone = [{ pid: process.pid, started: 'before this process' }];
    writeFileSync(join(root, '.mesh/bootstrap.lock'), JSON.stringify(gone));
    expect((await bootstrap().result).code).toBe(0);
    expect(existsSync(join(root, '.mesh/bootstrap.lock'))).toBe(false);
  });

  it('ends with what failed and what to do', async () => {
    writeFileSync(join(root, 'npm-fails'), '');
    const { code, said } = await bootstrap().result;
    expect(code).toBe(1);
    expect(said).toContain('mesh: installing packages failed (7). Remedy: see what npm says above');
    expect(calls()).toEqual(['install']);
  });
});
