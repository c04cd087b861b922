import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkConsumerState } from '#fabric';
import { LookedPast } from './looked-past.js';

const IDLE: WorkConsumerState = {
  name: 'pool-default',
  filters: ['mesh.work.>'],
  ordered: false,
  delivered: 7,
  ackFloor: 7,
  inHand: 0,
  waiting: 0,
};

describe('a consumer for which work waits', () => {
  let now: number;
  let past: LookedPast;
  beforeEach(() => {
    now = 0;
    past = new LookedPast(() => now);
  });
  const looks = (...states: [at: number, last: number, change?: Partial<WorkConsumerState>][]) =>
    states.map(([at, last, change]) => {
      now = at;
      return past.upTo({ ...IDLE, ...change }, last);
    });

  it('has looked past what stood there when it knew of nothing twice', () => {
    expect(looks([0, 9], [5_000, 12], [10_000, 15])).toEqual([0, 9, 9]);
  });

  it('may just not have been told yet', () => {
    expect(looks([0, 9], [1_999, 9], [2_000, 9])).toEqual([0, 0, 9]);
  });

  it.each([{ delivered: 8 }, { waiting: 1 }, { inHand: 1 }])('is at work with %o in between', (change) => {
    expect(looks([0, 9], [5_000, 9, change], [5_001, 10, { delivered: 8 }])).toEqual([0, 0, 0]);
  });

  it('is not another', () => {
    expect(looks([0, 9], [5_000, 9, { name: 'own=users=find' }])).toEqual([0, 0]);
  });
});
