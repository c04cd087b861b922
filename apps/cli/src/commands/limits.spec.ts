import { describe, expect, it } from '@jest/globals';
import { limitsText, readLimits } from './limits.js';

describe('the options of limits', () => {
  it('name what is set, and what is no longer', () => {
    expect(readLimits({ concurrency: '20', rate: '0.5', json: true })).toEqual({
      concurrency: 20,
      ratePerSecond: 0.5,
    });
    expect(readLimits({ unset: ['rate', 'memory'] })).toEqual({ ratePerSecond: null, memoryMb: null });
    expect(readLimits({})).toEqual({});
  });

  it.each([{ concurrency: '0' }, { queue: '1.5' }, { rate: '-1' }, { workers: 'x' }, { unset: ['colour'] }])(
    '%j is refused',
    (options) => {
      expect(() => readLimits(options)).toThrow();
    },
  );

  it('are shown beside what the manifest says', () => {
    const live = [{ version: '1.0.0', weight: 100 }];
    const manifest = { limits: { queue: 7, workers: 2 } };
    const text = limitsText({ path: 'a/b', revision: 1, live, limits: { queue: 3 }, manifest });
    expect(text).toMatch(/queue +3 +7/);
    expect(text).toMatch(/workers +- +2/);
  });
});
