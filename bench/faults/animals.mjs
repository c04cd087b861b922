/*
 * Handlers that harm, as `test/zoo.spec.ts` has them: here each is called again and again, one caller at a time, beside a
 * neighbour under steady load.
 */

const run = (body) => `export default async (event, context) => { ${body} }`;

export const ANIMALS = [
  { key: 'loops', code: run('for (;;);'), timeoutMs: 300 },
  { key: 'leaks', code: run('const kept = []; for (;;) kept.push({ a: { b: 1 } })'), timeoutMs: 20_000 },
  { key: 'exits', code: run('process.exit(1)') },
  { key: 'rejects unhandled', code: run('Promise.reject(new Error("x")); await new Promise(() => {})') },
  {
    key: 'sleeps, blocking',
    code: run('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)'),
    timeoutMs: 300,
  },
  { key: 'never settles', code: run('await new Promise(() => {})'), timeoutMs: 300 },
  { key: 'answers 100 MB', code: run('return Buffer.alloc(1e8)') },
  {
    key: 'pollutes prototypes',
    code: run(
      'for (const of of [Object, Array, Promise, Function]) { Object.prototype.toString = 1; of.prototype.then = of.prototype.toJSON = () => { throw new Error("x") } } return { a: 1 }',
    ),
    timeoutMs: 1_000,
  },
  {
    key: 'listens',
    code: `import { createServer } from 'node:net'; export default () => new Promise((done) => createServer().listen(0, '127.0.0.1', () => done(1)))`,
  },
  {
    key: 'leaves timers',
    code: run('for (let i = 0; i < 1e4; i++) setInterval(() => {}, 1); return 1'),
    timeoutMs: 1_000,
  },
  { key: 'throwing getters', code: run('return { get a() { throw new Error("x") } }') },
  { key: 'hangs at start', code: 'for (;;); export default () => 1', timeoutMs: 300 },
  {
    key: 'blocks natively',
    code: `import { pbkdf2Sync } from 'node:crypto'; export default () => pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')`,
    timeoutMs: 300,
    processOnly: true,
  },
  { key: 'kills itself', code: run('process.kill(process.pid, "SIGKILL"); await 0'), processOnly: true },
  {
    key: 'memory outside the heap',
    code: run(
      'const kept = []; for (;;) { const { buffer } = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(buffer).fill(1); kept.push(buffer) }',
    ),
    timeoutMs: 20_000,
    processOnly: true,
  },
];

export const NEIGHBOUR = 'export default (event) => ({ n: event.query.n })';
