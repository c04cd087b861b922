import { describe, expect, it } from '@jest/globals';
import { coarse, disjoint } from './disjoint.js';
import { covers } from './topic-filter.js';

/** Numbers that are the same at each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state;
  }
}

/** Every topic of up to three levels out of a few. */
const TOPICS = ['a', 'b', ''].flatMap((one) => [
  one,
  ...['a', 'b', ''].flatMap((two) => [
    `${one}/${two}`,
    ...['a', 'b'].map((three) => `${one}/${two}/${three}`),
  ]),
]);

function filtersFrom(random: Generator<number, never>): string[] {
  const pick = <T>(of: readonly T[]): T => of[(random.next().value >> 8) % of.length] as T;
  return Array.from({ length: 1 + (random.next().value % 6) }, () => {
    const levels = Array.from({ length: pick([1, 2, 3]) }, () => pick(['a', 'b', '+', '']));
    return [...levels, ...pick([[], [], ['#']])].join('/');
  });
}

describe('filters that are made disjoint', () => {
  it('match all that they matched before, each topic once, whatever they are', () => {
    const random = numbers(42);
    for (let round = 0; round < 2_000; round++) {
      const filters = filtersFrom(random);
      const made = [...disjoint(filters)];
      for (const topic of TOPICS) {
        const count = made.filter((filter) => covers(filter, topic)).length;
        const wanted = filters.some((filter) => covers(filter, topic));
        const legend = `${JSON.stringify(filters)} became ${JSON.stringify(made)}: ${JSON.stringify(topic)} ${count}`;
        if (count > 1 || (wanted && count === 0)) throw new Error(legend);
      }
    }
  });

  it('stay as they are where none overlap', () => {
    expect([...disjoint(['a/+', 'b/#', 'c'])].sort()).toEqual(['a/+', 'b/#', 'c']);
  });
});

describe('filters that are made coarse', () => {
  it('match all that they matched before', () => {
    const filters = new Set(['a/1', 'a/+/x', 'b', 'c/#']);
    for (const most of [100, 30, 5, 1]) {
      const wide = [...coarse(filters, most)];
      for (const filter of filters) expect(wide.filter((one) => covers(one, filter))).toHaveLength(1);
    }
  });
});
