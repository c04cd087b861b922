import { describe, expect, it } from '@jest/globals';
import { monotonicNow } from './clock.js';
import { Overruns } from './overruns.js';

const GRACE_MS = 20;

/** Resolves with the first verdict. */
function watching(hasOthers = false) {
  const first = Promise.withResolvers<string>();
  const overruns = new Overruns(GRACE_MS, first.resolve, () => hasOthers);
  const began = performance.now();
  const verdict = first.promise.then((what) => [what, performance.now() - began] as const);
  return { overruns, verdict };
}

describe('a run that was told to stop', () => {
  it('blocks its worker where nothing is heard of that any more', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1);
    expect((await verdict)[0]).toBe('blocked');
  });

  it('is stubborn where its worker lives', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1);
    overruns.heard();
    expect((await verdict)[0]).toBe('stubborn');
  });

  it('and may take its time has it, and no more', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1, monotonicNow() + 300);
    overruns.heard();
    const [what, after] = await verdict;
    expect(what).toBe('stubborn');
    expect(after).toBeGreaterThan(290);
  });

  it('and may take its time must be alive', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1, monotonicNow() + 60_000);
    const [what, after] = await verdict;
    expect([what, after < 30_000]).toEqual(['blocked', true]);
  });

  it('is not let linger where many do', async () => {
    const { overruns, verdict } = watching();
    for (let key = 0; key < 33; key++) overruns.add(key, monotonicNow() + 60_000);
    overruns.heard();
    expect((await verdict)[0]).toBe('stubborn');
    overruns.clear();
  });

  it('does not hide another behind its patience', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1, monotonicNow() + 60_000);
    overruns.heard();
    await new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));
    overruns.add(2);
    overruns.heard();
    expect((await verdict)[0]).toBe('stubborn');
    overruns.clear();
  });

  it('that stops is no matter any more', async () => {
    const { overruns, verdict } = watching();
    overruns.add(1);
    overruns.stopped(1);
    const nothing = new Promise((resolve) => setTimeout(() => resolve('nothing'), 4 * GRACE_MS));
    expect(await Promise.race([verdict, nothing])).toBe('nothing');
  });
});
