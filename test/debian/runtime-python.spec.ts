import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later } from '../fixtures/later.js';
import { type Catalogue, type Mesh, mesh } from '../fixtures/mesh.js';

/* examples/runtimes/python: a custom runtime of AWS Lambda with what comes with Debian's python3. */

const FOLDER = 'examples/runtimes/python';

/** The runtime, with more beside it. */
async function publishWith(of: Catalogue, manifest: object, files: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-python-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(FOLDER, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(
    join(folder, 'mesh.json'),
    JSON.stringify({ version: '1.0.0', runtime: 'provided', event: 'payload', ...manifest }),
  );
  await of.publishFolder(folder);
}

let world: Mesh;
beforeAll(async () => {
  world = await mesh(async (of) => {
    await of.publishFolder(FOLDER);
    await publishWith(of, { path: 'python/later', export: 'example_handler.later' });
    await publishWith(of, { path: 'python/pieces', export: 'example_handler.pieces' });
    await publishWith(of, { path: 'python/none', export: 'example_handler.nothing' });
    await publishWith(
      of,
      { path: 'python/several', export: 'slow.handle', limits: { concurrency: 4 } },
      {
        'slow.py': 'import os, time\ndef handle(payload):\n    time.sleep(payload)\n    return os.getpid()\n',
      },
    );
  });
});
afterAll(closeAll);

async function call(path: string, event: unknown) {
  const response = await fetch(`${world.url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  return response;
}

describe('a runtime in Python', () => {
  it('calls a function with event and context', async () => {
    const response = await call('runtimes/python', { text: 'grüß', list: [1, null] });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      got: { text: 'grüß', list: [1, null] },
      id: response.headers.get('mesh-id'),
      version: '1.0.0',
      remaining: expect.any(Number) as unknown,
    });
  });

  it('calls a function with the event alone, and awaits it', async () => {
    expect(await (await call('python/later', 'now')).json()).toEqual({ got: 'now' });
  });

  it.each(['fail', 'no JSON'])('reports what is thrown: %s', async (event) => {
    const response = await call('runtimes/python', event);
    expect(response.status).toBe(500);
    const problem = await response.text();
    expect(problem).toContain('handler-error');
    expect(problem).not.toContain('asked to fail');
    expect((await call('runtimes/python', 1)).status).toBe(200);
  });

  it('says so where the function is not there', async () => {
    const response = await call('python/none', 1);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: 'load-failed' });
  });

  it('streams what a generator gives', async () => {
    const response = await call('python/pieces', 'all');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('piece 0\npiece 1\npiece 2\n');
  });

  it('breaks off what broke off', async () => {
    const response = await call('python/pieces', 'break');
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(await (await call('python/pieces', 'all')).text()).toContain('piece 2');
  });

  it('runs several at once in one process where its manifest allows it', async () => {
    const pids = await Promise.all(
      [0.3, 0.3, 0.3].map(async (s) => (await call('python/several', s)).json()),
    );
    expect(new Set(pids).size).toBe(1);
  });
});
