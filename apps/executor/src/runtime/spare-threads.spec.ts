import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SpareThreads } from './spare-threads.js';

const WAITS = 'require("node:worker_threads").parentPort.on("message", () => undefined)';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Threads that are made when `make` is called, and who waits for the n-th of them. */
function spares(count: number, code = WAITS) {
  const made: Worker[] = [];
  let tell = Promise.withResolvers<void>();
  let room = true;
  const threads = new SpareThreads(count, () => {
    if (!room) throw new Error('No room.');
    const thread = new Worker(code, { eval: true });
    closers.push(() => thread.terminate());
    made.push(thread);
    tell.resolve();
    tell = Promise.withResolvers();
    return thread;
  });
  closers.push(() => threads.close());
  const madeAre = async (number: number): Promise<void> => {
    while (made.length < number) await tell.promise;
  };
  return { threads, made, madeAre, full: () => (room = false) };
}

describe('spare threads', () => {
  it('are made once somebody needed one, and given to who comes next', async () => {
    const { threads, made, madeAre } = spares(1);
    const first = threads.take();
    expect(made).toEqual([first]);
    await madeAre(2);
    expect(threads.take()).toBe(made[1]);
    expect(made).toHaveLength(2);
  });

  it('are as many as were asked for', async () => {
    const { threads, made, madeAre } = spares(2);
    threads.take();
    await madeAre(3);
    expect([threads.take(), threads.take()]).toEqual(made.slice(1));
  });

  it('are not made where none is wanted', () => {
    const { threads, made } = spares(0);
    expect([threads.take(), threads.take()]).toEqual(made);
  });

  it('are not given when they have ended', async () => {
    const { threads, made, madeAre } = spares(1);
    threads.take();
    await madeAre(2);
    await made[1]?.terminate();
    expect(threads.take()).toBe(made[2]);
  });

  it.each(['process.exit(3)', 'throw new Error("no")'])(
    'do no harm when they end by themselves: %s',
    async (code) => {
      const { threads, made, madeAre } = spares(1, code);
      threads.take().on('error', () => undefined);
      await madeAre(2);
      const [, spare] = made;
      await new Promise((resolve) => spare?.once('exit', resolve));
      expect(threads.take().on('error', () => undefined)).toBe(made[2]);
    },
  );

  it('are told to end with the executor', async () => {
    const { threads, made, madeAre } = spares(1);
    threads.take();
    await madeAre(2);
    const gone = once(made[1] as Worker, 'exit');
    await threads.close();
    await gone;
  });

  it('leave it to who needs one to say that there is no room', () => {
    const { threads, full } = spares(1);
    threads.take();
    full();
    expect(() => threads.take()).toThrow('No room.');
  });
});
