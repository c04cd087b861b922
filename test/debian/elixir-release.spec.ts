import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { mesh } from '../fixtures/mesh.js';

/* A release as `mix release` makes it, which the third seed's container has: an Erlang of its own, several programs. */

const run = promisify(execFile);
let url: string;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-release-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('examples/runtimes/elixir', folder, { recursive: true });
  const release = join(folder, 'release');
  await run('mix', ['release', '--path', release], {
    cwd: join(folder, 'lambda_app'),
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', MIX_ENV: 'prod' },
  });
  writeFileSync(join(release, 'bootstrap'), '#!/bin/sh\nRELEASE_DISTRIBUTION=none exec bin/my_app start\n');
  chmodSync(join(release, 'bootstrap'), 0o755);
  const stated = { path: 'elixir/release', version: '1.0.0', runtime: 'provided', event: 'payload' };
  writeFileSync(join(release, 'mesh.json'), JSON.stringify(stated));
  url = (await mesh((of) => of.publishFolder(release))).url;
}, 120_000);
afterAll(closeAll);

describe('a packed release', () => {
  it('starts with the Erlang that it brings', async () => {
    const response = await fetch(`${url}/2015-03-31/functions/elixir%2Frelease/invocations`, {
      method: 'POST',
      body: JSON.stringify({ action: 'hello', name: 'Elixir' }),
    });
    expect([response.status, response.headers.get('x-amz-function-error')]).toEqual([200, null]);
    expect(await response.text()).toContain('Elixirさん');
  }, 60_000);
});
