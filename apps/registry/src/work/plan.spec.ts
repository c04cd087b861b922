import { describe, expect, it } from '@jest/globals';
import { asPath } from '../../../../test/fixtures/fabric.js';
import { covers, overlap } from './filters.js';
import { planConsumers, type WorkRoute } from './plan.js';
import { type Pool, poolList } from './pools.js';

const route = (text: string): WorkRoute => ({
  path: asPath(text.replace('!', '')),
  ordered: text.endsWith('!'),
});
const plan = (routes: readonly string[], pools = ';') => {
  const made = planConsumers(routes.map(route), poolList.parse(pools)).consumers;
  return Object.fromEntries(made.map(({ name, filters }) => [name, filters]));
};

describe('the plan of consumers', () => {
  it('is one consumer, however many routes there are', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `team${i % 50}/handler${i}`);
    expect(plan(many)).toEqual({ 'pool-default': ['mesh.work.>'] });
    expect(plan([])).toEqual({ 'pool-default': ['mesh.work.>'] });
  });

  it.each<[string, string[], string, Record<string, string[]>]>([
    [
      'an ordered path has its own, and only its neighbours are told one by one',
      ['users/find', 'users/list', 'users/sync!', 'orders/total', 'orders/paid/mail'],
      ';',
      {
        'pool-default': ['mesh.work.orders.>', 'mesh.work.users.find', 'mesh.work.users.list'],
        'own=users=sync': ['mesh.work.users.sync'],
      },
    ],
    [
      'a branch that one pool has as a whole is one filter',
      ['video/cut', 'video/encode/h264', 'reports/daily', 'users/find'],
      'heavy=video/**,reports/*;gpu=ml/**',
      {
        'pool-default': ['mesh.work.users.>'],
        'pool-heavy': ['mesh.work.reports.>', 'mesh.work.video.>'],
        'pool-gpu': [],
      },
    ],
    [
      'a path and what is below it',
      ['a', 'a/b', 'a/c!'],
      ';',
      { 'pool-default': ['mesh.work.a', 'mesh.work.a.b'], 'own=a=c': ['mesh.work.a.c'] },
    ],
    [
      'an ordered path of a pool leaves the rest to the pool',
      ['video/cut', 'video/sync!'],
      'heavy=video/**',
      {
        'pool-default': [],
        'pool-heavy': ['mesh.work.video.cut'],
        'own=video=sync': ['mesh.work.video.sync'],
      },
    ],
    ['an ordered path alone', ['a!'], ';', { 'pool-default': [], 'own=a': ['mesh.work.a'] }],
  ])('%s', (_, routes, pools, expected) => {
    expect(plan(routes, pools)).toEqual(expected);
  });

  it('leaves an ordered path without its own where it has too many neighbours, and says so', () => {
    const neighbours = Array.from({ length: 2_000 }, (_, i) => `app/handler${i}`);
    const routes = [...neighbours, 'app/sync!', 'jobs/daily', 'jobs/sync!'].map(route);
    const { consumers, crowded } = planConsumers(routes, []);
    expect(crowded).toEqual(['app/sync']);
    expect(Object.fromEntries(consumers.map(({ name, filters }) => [name, filters]))).toEqual({
      'pool-default': ['mesh.work.app.>', 'mesh.work.jobs.daily'],
      'own=jobs=sync': ['mesh.work.jobs.sync'],
    });
    const firsts = Array.from({ length: 2_000 }, (_, i) => `first${i}`);
    expect(planConsumers([...firsts, 'sync!'].map(route), []).consumers).toHaveLength(1);
  });

  it('takes every route once, and no subject twice', () => {
    const letters = ['a', 'b', 'c'];
    const pick = (n: number) => letters[n % letters.length] as string;
    for (let round = 0; round < 200; round++) {
      const paths = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const depth = 1 + ((round * 7 + i * 3) % 3);
        paths.add(Array.from({ length: depth }, (_, d) => pick(round * (d + 2) + i * (d * 5 + 3))).join('/'));
      }
      const routes = [...paths].map((path, i) => route((round + i) % 5 === 0 ? `${path}!` : path));
      const filters = planConsumers(routes, poolList.parse('x=a/**;y=b/*')).consumers.flatMap(
        (one) => one.filters,
      );
      for (const { path } of routes) {
        const subject = `mesh.work.${path.replaceAll('/', '.')}`;
        expect(filters.filter((filter) => covers(filter, subject))).toHaveLength(1);
      }
      const doubled = filters.filter((one, i) => filters.some((other, j) => i !== j && overlap(one, other)));
      expect(doubled).toEqual([]);
    }
  });
});

describe('MESH_WORK_POOLS', () => {
  it('names pools and their patterns', () => {
    const pools: Pool[] = [
      { name: 'heavy', patterns: ['video/**', 'reports/*'] },
      { name: 'gpu', patterns: ['ml/**'] },
    ];
    expect(poolList.parse(' heavy=video/**, reports/* ;gpu=ml/**;')).toEqual(pools);
    expect(poolList.parse(';')).toEqual([]);
  });

  it.each(['heavy', 'heavy=', '=a', 'a=b;a=c', 'default=a/**', 'Heavy=a', 'a=b c$'])('refuses %s', (text) => {
    expect(poolList.safeParse(text).success).toBe(false);
  });
});

describe('filters', () => {
  it.each([
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.>', false],
    ['a.>', 'a.*', true],
    ['a.>', 'a.b.>', true],
    ['a.b', 'a.b', true],
    ['a.b', 'a.*', false],
  ])('%s covers %s: %s', (outer, inner, expected) => expect(covers(outer, inner)).toBe(expected));

  it.each([
    ['a.>', 'a.b', true],
    ['a.b', 'a.>', true],
    ['a', 'a.>', false],
    ['a.*', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.*.c', 'a.b.*', true],
    ['a.>', '*.b.c', true],
  ])('%s and %s have something in common: %s', (one, other, expected) =>
    expect(overlap(one, other)).toBe(expected),
  );
});
