import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Worker, withHandler } from './fixtures/serve.js';
import { until } from './fixtures/until.js';

/* A worker of one handler (`mesh serve`), with handlers of JavaScript and TypeScript; Python's are in test/seeds. */

const FILES: Record<string, string> = {
  'function/handler.ts': `
    export const handle = (payload: string) => {
      try { return { parsed: JSON.parse(payload) }; } catch { return { text: payload }; }
    };`,
  'mypkg/async_handler.mjs': `
    export async function handle(payload) {
      await new Promise((done) => setImmediate(done));
      return { handler: 'mypkg.async_handler', echo: payload };
    }`,
  'broken.mjs': 'throw new Error("not today");',
  'odd.mjs': `
    let runs = 0;
    export function handle(payload) {
      runs++;
      if (payload === 'throw') throw new RangeError('too far');
      if (payload === 'exit') process.exit(3);
      if (payload === 'hang') for (;;);
      if (payload === 'nothing') return undefined;
      if (payload === 'text') return 'héllo';
      if (payload === 'env') return { shown: process.env.SHOWN, own: process.env.MESH_SERVE_PORT };
      return runs;
    }`,
  'patient.mjs': `
    export const handle = (payload, context) => context.remainingTime();`,
  'defined.ts': `
    import { handler } from '@lambda-mesh/handler';
    export default handler('orders/total', async ({ body, path }, context) =>
      body === 'no' ? context('FAIL', { error: 'no' }) : { path, body });`,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-serve-spec-'));
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const payload = (text: string) => ({ payload: text });
const serving = <T>(
  name: string | undefined,
  test: Parameters<typeof withHandler<T>>[2],
  environment?: Record<string, string>,
) => withHandler(name, folder, test, environment);

describe('POST /', () => {
  it('runs a handler of TypeScript by its dotted path', () =>
    serving('function.handler.handle', async (worker) => {
      expect(await worker.post(payload('{"key":"value"}'))).toEqual({
        status: 200,
        body: { result: { parsed: { key: 'value' } } },
      });
      expect(await worker.post(payload('hello world'))).toEqual({
        status: 200,
        body: { result: { text: 'hello world' } },
      });
    }));

  it('awaits one that is asynchronous', () =>
    serving('mypkg.async_handler.handle', async (worker) => {
      const { body } = await worker.post(payload('x'));
      expect(body).toEqual({ result: { handler: 'mypkg.async_handler', echo: 'x' } });
    }));

  it('answers a throw with its message, and goes on', () =>
    serving('odd.handle', async (worker) => {
      expect(await worker.post(payload('throw'))).toEqual({ status: 400, body: { detail: 'too far' } });
      expect(await worker.post(payload('text'))).toEqual({ status: 200, body: { result: 'héllo' } });
      expect(await worker.post(payload('nothing'))).toEqual({ status: 200, body: { result: null } });
      expect(await worker.post(payload('count'))).toEqual({ status: 200, body: { result: 4 } });
    }));

  it('outlives a handler that ends its worker or never ends', () =>
    serving(
      'odd.mjs#handle',
      async (worker) => {
        expect((await worker.post(payload('exit'))).status).toBe(502);
        expect((await worker.post(payload('hang'))).status).toBe(504);
        // As soon as there is another worker.
        await until(async () => (await worker.post(payload('count'))).status === 200);
      },
      { MESH_SERVE_TIMEOUT: '3000' },
    ));

  it('gives a handler as long as MESH_SERVE_TIMEOUT says', () =>
    serving(
      'patient.handle',
      async (worker) => {
        const { result } = (await worker.post(payload('x'))).body as { result: number };
        expect(result).toBeGreaterThan(90_000);
      },
      { MESH_SERVE_TIMEOUT: '120000' },
    ));

  it('gives a handler the environment, without what is its own', () =>
    serving(
      'odd.handle',
      async (worker) => {
        expect((await worker.post(payload('env'))).body).toEqual({ result: { shown: 'yes' } });
      },
      { SHOWN: 'yes' },
    ));

  it('runs what is made with handler(…), and answers its no with 400', () =>
    serving('defined.ts', async (worker) => {
      expect((await worker.post(payload('x'))).body).toEqual({
        result: { path: 'orders/total', body: 'x' },
      });
      expect(await worker.post(payload('no'))).toEqual({ status: 400, body: { detail: { error: 'no' } } });
    }));

  it('refuses a body that is not as described', () =>
    serving('function.handler.handle', async (worker) => {
      const missing = {
        detail: [{ type: 'missing', loc: ['body', 'payload'], msg: 'Field required', input: { text: 'x' } }],
      };
      expect(await worker.post({ text: 'x' })).toEqual({ status: 422, body: missing });
      for (const body of [{ payload: 5 }, { payload: null }, [], 'null', '{', '"x"', ''])
        expect((await worker.post(body)).status).toBe(422);
      for (const type of ['text/plain', 'no type', ''])
        expect((await worker.post(payload('x'), { 'content-type': type })).status).toBe(422);
    }));

  /** Without a content type, as a page of another origin may send it unasked: Fetch, "CORS-safelisted". */
  const bare = async ({ url }: Worker, body: string | Buffer<ArrayBuffer>, type = '') => {
    const response = await fetch(url, { method: 'POST', body: new Blob([body], { type }) });
    return { status: response.status, body: await response.json() };
  };

  it('refuses a body that is not said to be JSON', () =>
    serving('function.handler.handle', async (worker) => {
      expect(await bare(worker, '{"payload":"x"}')).toMatchObject({
        status: 422,
        body: { detail: [{ type: 'model_attributes_type', input: '{"payload":"x"}' }] },
      });
    }));

  it('refuses text that is no UTF-8, too deeply nested or too long', () =>
    serving('function.handler.handle', async (worker) => {
      const sent = (body: string | Buffer<ArrayBuffer>) => bare(worker, body, 'application/json');
      expect(await sent(Buffer.from('{"payload":"a\xffb"}', 'latin1'))).toMatchObject({
        status: 422,
        body: { detail: [{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error' }] },
      });
      const deep = '['.repeat(100_000) + ']'.repeat(100_000);
      expect(await sent(deep)).toMatchObject({ status: 422, body: { detail: [{ loc: ['body'] }] } });
      expect(await sent(`{"payload":${deep}}`)).toMatchObject({
        status: 422,
        body: { detail: [{ type: 'string_type', loc: ['body', 'payload'] }] },
      });
      expect((await sent('x'.repeat(9_000_000))).status).toBe(413);
    }));
});

describe.each([
  ['nothing is named', undefined],
  ['there is no such module', 'function.nowhere'],
  ['there is no such export', 'function.handler.other'],
  ['the module cannot be loaded', 'broken.handle'],
  ['the name is none', 'not a name'],
])('when %s', (_, name) => {
  it('requests are answered 500, and health all the same', () =>
    serving(name, async (worker) => {
      expect(await worker.post(payload('x'))).toEqual({
        status: 500,
        body: { detail: 'Handler function not loaded' },
      });
      expect(await worker.get('/health')).toMatchObject({ status: 200 });
    }));
});

describe('beside it', () => {
  it('tells its health, its description, and what there is not', () =>
    serving('function.handler.handle', async (worker) => {
      const { status, body } = await worker.get('/health');
      expect([status, body]).toEqual([
        200,
        { status: 'ok', timestamp: expect.stringMatching(/^\d{4}-.*Z$/) },
      ]);
      expect(await worker.get('/docs')).toMatchObject({
        status: 200,
        body: expect.stringContaining('swagger'),
      });
      const description = (await worker.get('/openapi.json')).body as { paths: Record<string, object> };
      expect(Object.keys(description.paths)).toEqual(['/', '/health']);
      const { post } = description.paths['/'] as { post: { responses: object } };
      expect(Object.keys(post.responses)).toEqual('200 400 413 422 429 500 502 504'.split(' '));
      expect(await worker.get('/nowhere')).toEqual({ status: 404, body: { detail: 'Not Found' } });
      expect(await worker.get('/')).toEqual({ status: 405, body: { detail: 'Method Not Allowed' } });
    }));

  it('listens to others only where that is said to be meant', async () => {
    const elsewhere = () => serving('odd.handle', async () => undefined, { MESH_SERVE_HOST: '0.0.0.0' });
    await expect(elsewhere()).rejects.toThrow('MESH_SERVE_OPEN');
  });
});
