import { describe, expect, it } from '@jest/globals';
import { GroupLanes } from './group-lanes.js';

interface Item {
  readonly group: string;
  readonly name: string;
}

/** `a1 b1 a2`: the letter is the group. */
function lanesOf(names: string): GroupLanes<Item> {
  const lanes = new GroupLanes<Item>();
  for (const name of names.split(' ')) lanes.add({ group: name[0] as string, name });
  return lanes;
}
const take = (lanes: GroupLanes<Item>, most = 1) =>
  lanes
    .take((batch) => batch.length < most)
    .map(({ name }) => name)
    .join(' ');

describe('messages of groups', () => {
  it('run one of a group at a time, other groups beside it', () => {
    const lanes = lanesOf('a1 a2 b1 a3');
    expect([take(lanes), take(lanes), take(lanes)]).toEqual(['a1', 'b1', '']);
    lanes.done('a');
    expect([take(lanes), take(lanes)]).toEqual(['a2', '']);
    lanes.done('b');
    lanes.done('a');
    expect([take(lanes), take(lanes), lanes.waiting]).toEqual(['a3', '', 0]);
  });

  it('may be several in a batch, in order, and then none of their groups runs beside it', () => {
    const lanes = lanesOf('a1 b1 a2 a3 b2 c1');
    expect([take(lanes, 4), take(lanes, 4), take(lanes, 4)]).toEqual(['a1 a2 a3 b1', 'c1', '']);
    lanes.done('a');
    expect(take(lanes, 4)).toBe('');
    lanes.done('b');
    expect(take(lanes, 4)).toBe('b2');
  });

  it('a batch holds what fits its first one, from the head of each lane', () => {
    const lanes = lanesOf('a1 a2 b1 b2');
    const batch = lanes.take((_, item) => item.name !== 'a2' && item.name !== 'b2');
    expect(batch.map(({ name }) => name)).toEqual(['a1', 'b1']);
  });

  it('of a failed group are handed out to be given back, and others go on', () => {
    const lanes = lanesOf('a1 a2 b1 a3 b2');
    take(lanes);
    expect(lanes.failed('a').map(({ name }) => name)).toEqual(['a2', 'a3']);
    expect([take(lanes), take(lanes), lanes.waiting]).toEqual(['b1', '', 1]);
    // The queue delivers the group again, from the failed one on.
    lanes.add({ group: 'a', name: 'a1' });
    expect(take(lanes)).toBe('a1');
  });

  it('take turns: a long group does not keep short ones waiting', () => {
    const lanes = lanesOf('a1 a2 b1');
    take(lanes);
    lanes.done('a');
    expect([take(lanes), take(lanes)]).toEqual(['b1', 'a2']);
  });

  it('are all handed out at the end but those that run', () => {
    const lanes = lanesOf('a1 a2 b1');
    take(lanes);
    expect(lanes.clear().map(({ name }) => name)).toEqual(['a2', 'b1']);
    expect([take(lanes), lanes.waiting]).toEqual(['', 0]);
  });

  it('keep every order under random ends', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed % below;
    };
    const lanes = new GroupLanes<Item & { n: number }>();
    const seen = new Map<string, number>();
    const running: { group: string; n: number }[] = [];
    for (let n = 0; n < 3_000; n++) {
      const group = 'abcdef'[random(6)] as string;
      lanes.add({ group, name: `${group}${n}`, n });
      const most = 1 + random(5);
      running.push(...lanes.take((batch) => batch.length < most));
      const group2 = running[random(running.length)]?.group ?? '';
      for (const ended of running.filter((item) => item.group === group2)) {
        expect(ended.n).toBeGreaterThan(seen.get(group2) ?? -1);
        seen.set(group2, ended.n);
        running.splice(running.indexOf(ended), 1);
      }
      lanes.done(group2);
    }
    expect(seen.size).toBe(6);
  });
});
