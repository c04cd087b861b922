import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Worker, withHandler } from '../fixtures/serve.js';

/*
 * A worker of one handler, written in Python: what its users wrote for it, word for word (examples/worker). Needs
 * Debian's python3, and python3-pytest for their own tests.
 */
const FOLDER = resolve('examples/worker');
/** Debian's Python, whichever else is on this machine. */
const PATH = '/usr/bin:/bin';

const serving = (name: string, test: (worker: Worker) => Promise<void>) =>
  withHandler(name, FOLDER, test, { PATH });
const payload = (text: string) => ({ payload: text });

describe('a handler of Python behind POST /', () => {
  it('the default one parses JSON inside the payload', () =>
    serving('function.handler.handle', async (worker) => {
      const { status, body } = await worker.get('/health');
      expect([status, body]).toEqual([
        200,
        { status: 'ok', timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
      ]);
      // As curl sends it.
      expect(await worker.post('{"payload": "{\\"key\\":\\"value\\"}"}')).toEqual({
        status: 200,
        body: { result: { handler: 'function.handler', data: { key: 'value' } } },
      });
      expect(await worker.post('{"payload": "hello world"}')).toEqual({
        status: 200,
        body: { result: { handler: 'function.handler', data: 'hello world' } },
      });
      expect((await worker.post({ text: 'x' })).status).toBe(422);
    }));

  it('a decoder of devices, whose exception is the detail of a 400', () =>
    serving('tests.decoders.decode_type_a', async (worker) => {
      expect(await worker.post(payload('dev-1,42,1678886400'))).toEqual({
        status: 200,
        body: { result: { id: 'dev-1', value: 42, timestamp: 1678886400 } },
      });
      expect(await worker.post(payload('dev-1'))).toEqual({
        status: 400,
        body: { detail: "Expected 'id,value,timestamp', got 'dev-1'" },
      });
    }));

  it('another, which reverses the string', () =>
    serving('tests.decoders.decode_type_b', async (worker) => {
      const { body } = await worker.post(payload('grüße'));
      expect(body).toEqual({ result: { reversed: 'eßürg' } });
    }));

  it.each(['mypkg.myhandler', 'mypkg.async_handler'])('%s, sync or async', (module) =>
    serving(`${module}.handle`, async (worker) => {
      expect(await worker.post(payload('x'))).toEqual({
        status: 200,
        body: { result: { handler: module, echo: 'x' } },
      });
    }),
  );

  it.each(['function.handler.nowhere', 'nowhere.handle'])('%s is not there', (name) =>
    serving(name, async (worker) => {
      expect(await worker.post(payload('x'))).toEqual({
        status: 500,
        body: { detail: 'Handler function not loaded' },
      });
    }),
  );

  it('outlives an end of its process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mesh-seed-b-'));
    const code = 'import os\ndef handle(payload):\n  return os._exit(3) if payload == "exit" else payload\n';
    writeFileSync(join(folder, 'fragile.py'), code);
    const test = async (worker: Worker) => {
      expect((await worker.post(payload('exit'))).status).toBe(502);
      expect(await worker.post(payload('x'))).toEqual({ status: 200, body: { result: 'x' } });
    };
    await withHandler('fragile.handle', folder, test, { PATH });
    rmSync(folder, { recursive: true });
  });
});

describe('the tests of its users', () => {
  it('pass with pytest', () => {
    const { status, stdout, stderr } = spawnSync(
      '/usr/bin/python3',
      ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'],
      {
        cwd: FOLDER,
        env: {
          PATH,
          PYTHONDONTWRITEBYTECODE: '1',
          MESH: `${process.execPath} ${resolve('dist/apps/cli/src/main.js')}`,
        },
        encoding: 'utf8',
      },
    );
    expect(`${stdout}${stderr}`).toMatch(/\b7 passed/);
    expect(status).toBe(0);
  }, 120_000);
});
