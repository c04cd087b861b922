import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
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
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A worker with a function of its own, `handle` of one.py. */
function servingCode(
  code: string,
  test: (worker: Worker, folder: string) => Promise<void>,
  name = 'one.handle',
  environment: Record<string, string> = {},
) {
  const folder = temporary();
  writeFileSync(join(folder, 'one.py'), code);
  return withHandler(name, folder, (worker) => test(worker, folder), { PATH, ...environment });
}

function temporary(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mesh-seed-b-')));
  folders.push(folder);
  return folder;
}
const resultOf = async (worker: Worker, text: string) =>
  ((await worker.post(payload(text))).body as { result: unknown }).result;

describe('a function of Python', () => {
  it('outlives an end of its process', () =>
    servingCode(
      'import os\ndef handle(payload):\n  return os._exit(3) if payload == "exit" else payload\n',
      async (worker) => {
        expect((await worker.post(payload('exit'))).status).toBe(502);
        expect(await worker.post(payload('x'))).toEqual({ status: 200, body: { result: 'x' } });
      },
    ));

  it('has the working directory of the worker', () =>
    servingCode(
      'import os\ndef handle(payload): return [os.getcwd(), open("one.py").read(6)]\n',
      async (worker, folder) => {
        expect(await resultOf(worker, 'x')).toEqual([folder, 'import']);
      },
    ));

  it('that is asynchronous runs for several at once, in one event loop', () =>
    servingCode(
      `
import asyncio
waiting = []
async def handle(payload):
    mine = asyncio.get_running_loop().create_future()
    waiting.append(mine)
    if len(waiting) == 4:
        for one in waiting: one.set_result(None)
    await mine
    return len(waiting)
`,
      async (worker) => {
        expect(await Promise.all([1, 2, 3, 4].map((number) => resultOf(worker, `${number}`)))).toEqual([
          4, 4, 4, 4,
        ]);
      },
    ));

  it('that is asynchronous and never ends costs others nothing', () =>
    servingCode(
      `
import asyncio
async def handle(payload):
    if payload == "hang": await asyncio.Event().wait()
    return payload
`,
      async (worker) => {
        const hanging = worker.post(payload('hang'));
        expect(await resultOf(worker, 'beside it')).toBe('beside it');
        expect((await hanging).status).toBe(504);
        expect(await resultOf(worker, 'after it')).toBe('after it');
      },
      'one.handle',
      { MESH_SERVE_TIMEOUT: '3000' },
    ));

  it('that is asynchronous and exits is told of, and its loop goes on', () =>
    servingCode(
      'import sys\nasync def handle(payload):\n  return sys.exit("no") if payload == "exit" else payload\n',
      async (worker) => {
        const told = { status: 400, body: { detail: 'SystemExit: no' } };
        expect(await worker.post(payload('exit'))).toEqual(told);
        expect(await resultOf(worker, 'b')).toBe('b');
      },
    ));

  it('that is not runs for one at a time, in the main thread', () =>
    servingCode(
      `
import threading, time
def handle(payload):
    time.sleep(0.01)
    return threading.current_thread() is threading.main_thread()
`,
      async (worker) => {
        const results = await Promise.all(Array.from({ length: 10 }, () => resultOf(worker, 'x')));
        expect(results).toEqual(Array(10).fill(true));
      },
    ));

  it.each([
    [
      'what has more parameters, which need not be given',
      'def handle(payload, strict=False): return [payload, strict]',
      ['x', false],
    ],
    [
      'an object that can be called',
      'class Echo:\n  def __call__(self, payload): return payload\nhandle = Echo()',
      'x',
    ],
    [
      '… asynchronously',
      'class Echo:\n  async def __call__(self, payload): return payload\nhandle = Echo()',
      'x',
    ],
    ['a class', 'handle = list', ['x']],
    ['what is built in', 'handle = len', 1],
    [
      'what returns something to be awaited',
      'async def later(payload): return payload\nhandle = lambda payload: later(payload)',
      'x',
    ],
    [
      'what also wants the context of Lambda',
      'def handle(payload, context): return context.function_name',
      'serve/handler',
    ],
  ])('is whatever can be called with a string: %s', (_, code, result) =>
    servingCode(code, async (worker) => {
      expect(await worker.post(payload('x'))).toEqual({ status: 200, body: { result } });
    }),
  );
});

describe('three workers, with the handlers of docker-compose.yml', () => {
  it('answer beside each other, each in its own way', async () => {
    const text = readFileSync('docker-compose.yml', 'utf8');
    const names = [...text.matchAll(/HANDLER_FUNCTION: ([\w.]+)/g)].map(([, name]) => name as string);
    const ask = (inner: (workers: Worker[]) => Promise<void>, workers: Worker[] = []): Promise<void> => {
      const name = names[workers.length];
      if (name === undefined) return inner(workers);
      return serving(name, (worker) => ask(inner, [...workers, worker]));
    };
    await ask(async (workers) => {
      const sent = 'dev-1,42,1678886400';
      expect(await Promise.all(workers.map((worker) => resultOf(worker, sent)))).toEqual([
        { id: 'dev-1', value: 42, timestamp: 1678886400 },
        { reversed: '0046888761,24,1-ved' },
        { handler: 'function.handler', data: sent },
      ]);
    });
  });
});

describe('the module of a function of Python', () => {
  it('is loaded before the first request', () =>
    servingCode('open("loaded", "w").close()\ndef handle(payload):\n  return payload\n', async (_, folder) =>
      expect(existsSync(join(folder, 'loaded'))).toBe(true),
    ));

  it('is imported from PYTHONPATH', () => {
    const elsewhere = temporary();
    writeFileSync(join(elsewhere, 'elsewhere.py'), 'def handle(payload):\n  return __file__\n');
    return servingCode(
      '',
      async (worker) => expect(await resultOf(worker, 'x')).toBe(join(elsewhere, 'elsewhere.py')),
      'elsewhere.handle',
      { PYTHONPATH: elsewhere },
    );
  });

  it('finds the packages of the virtual environment that is active', () => {
    const venv = temporary();
    spawnSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', venv]);
    const [python = ''] = readdirSync(join(venv, 'lib'));
    writeFileSync(join(venv, 'lib', python, 'site-packages/installed.py'), 'NAME = "installed"\n');
    return servingCode(
      'import installed\ndef handle(payload):\n  return installed.NAME\n',
      async (worker) => expect(await resultOf(worker, 'x')).toBe('installed'),
      'one.handle',
      // As `activate` sets them.
      { PATH: `${venv}/bin:${PATH}`, VIRTUAL_ENV: venv },
    );
  }, 60_000);
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
