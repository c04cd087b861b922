import { describe, expect, it } from '@jest/globals';
import { Suspects } from './suspects.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('suspects', () => {
  it.each([
    [1, 4, 1],
    [2, 3, 8],
    [1, 2, 8],
    [1, 1, 8],
  ])('with %d crashes and %d runs left take %d of eight', (crashes, left, weight) => {
    expect(Suspects.weightOf(crashes, left)).toBe(weight);
  });

  it('the lesser ones run eight at a time, one of which more is known alone', async () => {
    const suspects = new Suspects(10);
    const entered: string[] = [];
    const enter = (name: string, weight: number) =>
      void suspects.enter(weight).then((in_) => entered.push(`${name}${in_ ? '' : ' not'}`));
    for (let n = 1; n <= 8; n++) enter(`lesser ${n}`, 1);
    enter('grave', 8);
    enter('lesser 9', 1);
    await settled();
    expect(entered).toHaveLength(8);
    for (let n = 0; n < 7; n++) suspects.leave(1);
    await settled();
    expect(entered).toHaveLength(8);
    suspects.leave(1);
    await settled();
    expect(entered.slice(8)).toEqual(['grave']);
    suspects.leave(8);
    await settled();
    expect(entered.slice(9)).toEqual(['lesser 9']);
  });

  it('do not wait in any number, nor when nothing is run any more', async () => {
    const suspects = new Suspects(1);
    await suspects.enter(8);
    const waits = suspects.enter(1);
    expect(await suspects.enter(1)).toBe(false);
    suspects.dismiss();
    expect(await waits).toBe(false);
    suspects.leave(8);
    expect(await suspects.enter(8)).toBe(true);
  });
});
