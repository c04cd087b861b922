import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ready } from '../http/contender-process.mjs';

/* Starts one bare worker for each file that its parent names, and tells how long that took. */

const WORKER = fileURLToPath(new URL('./bare-worker.mjs', import.meta.url));
const isThread = process.env.BENCH_ISOLATION === 'thread';

const start = (file) =>
  isThread ? new Worker(WORKER, { argv: [file] }) : fork(WORKER, [file], { env: { PATH: process.env.PATH } });

process.on('message', async (file) => {
  try {
    const began = performance.now();
    const worker = start(file);
    // It stays, as the mesh's workers do.
    const [answer] = await once(worker, 'message');
    process.send({ ms: performance.now() - began, answer });
  } catch (error) {
    process.send({ fault: error.stack });
  }
});
ready();
