import { describe, expect, it } from '@jest/globals';
import { faultsOf, manifest, payloadLimitOf, route } from './manifest.js';

const MINIMAL = { path: 'users/find', version: '1.0.0' };
const DIGEST = `sha256:${'0a'.repeat(32)}`;
const LIVE = { ...manifest.parse(MINIMAL), path: undefined, digest: DIGEST, weight: 100 };
const { path: _path, ...VERSION } = LIVE;
const ROUTE = { path: 'users/find', revision: 1, versions: [VERSION] };

const faults = (value: unknown): string[] => {
  const parsed = manifest.safeParse(value);
  return parsed.success ? [] : faultsOf(parsed.error);
};

describe('a manifest', () => {
  it('has a default for all but path and version', () => {
    expect(manifest.parse(MINIMAL)).toEqual({
      ...MINIMAL,
      runtime: 'node',
      entry: 'handler.mjs',
      triggers: [],
      limits: {},
      env: [],
      meta: {},
    });
  });

  it.each([
    { http: {} },
    { http: { method: 'GET' } },
    { http: { method: ['GET', 'POST'], path: '/users/{id}' } },
    { http: { path: '/users/{user_id}/orders/{orderId}' } },
    { mqtt: { filter: 'users/+/find' } },
    { mqtt: { filter: '#' } },
    { sqs: { queue: 'orders' } },
    { sqs: { queue: 'arn:aws:sqs:eu-west-1:123456789012:orders.fifo', batchSize: 10 } },
    { cron: '*/5 * * * *', timezone: 'Europe/Vienna' },
  ])('may have the trigger %j', (trigger) => expect(faults({ ...MINIMAL, triggers: [trigger] })).toEqual([]));

  it('may have everything at once', () => {
    const full = {
      ...MINIMAL,
      description: 'Finds a user.',
      export: 'find',
      entry: 'main.mjs',
      limits: { timeoutMs: 900_000 },
      env: ['DATABASE_URL'],
      meta: { owner: 'crm', tags: ['a', 1, null, { b: true }] },
      input: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
      commit: 'c0ffee'.padEnd(40, '0'),
    };
    expect(manifest.parse(full)).toMatchObject(full);
  });

  it.each<[string, object, string]>([
    ['no path', { path: undefined }, 'path: '],
    ['a bad path', { path: 'Users' }, 'path: segment "Users" must match'],
    ['a reserved path', { path: 'health' }, 'path: "health" is kept for the mesh'],
    ['no version', { version: undefined }, 'version: '],
    ['a bad version', { version: '1.0' }, 'version: must be a semantic version'],
    ['an alias as version', { version: 'canary' }, 'version: must be a semantic version'],
    ['an unknown field', { verison: '1' }, '(whole): Unrecognized key: "verison"'],
    ['an unknown runtime', { runtime: 'ruby' }, 'runtime: '],
    ['an entry outside', { entry: '../handler.mjs' }, 'entry: must be a plain file name'],
    ['an absolute entry', { entry: '/etc/passwd' }, 'entry: must be a plain file name'],
    ['a hidden entry', { entry: '.env' }, 'entry: must be a plain file name'],
    ['an entry with NUL', { entry: 'a\0.mjs' }, 'entry: must be a plain file name'],
    ['an empty export', { export: '' }, 'export: '],
    ['a limit of nothing', { limits: { timeoutMs: 0 } }, 'limits.timeoutMs: '],
    ['a limit beyond the ceiling', { limits: { timeoutMs: 900_001 } }, 'limits.timeoutMs: '],
    ['an unknown limit', { limits: { memory: 1 } }, 'limits: Unrecognized key'],
    ["a name of the mesh's environment", { env: ['MESH_ADMIN_TOKEN'] }, 'env.0: must be an environment name'],
    ['a lower-case environment name', { env: ['path'] }, 'env.0: must be an environment name'],
    ['meta that is no JSON', { meta: { when: new Date() } }, 'meta.when'],
    ['meta nested without end', { meta: { a: JSON.parse('['.repeat(9_999) + ']'.repeat(9_999)) } }, 'meta.a'],
    ['a trigger of no kind', { triggers: [{ fax: {} }] }, 'triggers.0'],
    ['a trigger of two kinds', { triggers: [{ http: {}, mqtt: { filter: 'a' } }] }, 'triggers.0'],
    ['an unknown method', { triggers: [{ http: { method: 'CONNECT' } }] }, 'triggers.0'],
    ['no method at all', { triggers: [{ http: { method: [] } }] }, 'triggers.0'],
    ['a short commit', { commit: 'c0ffee1' }, 'commit: must be the full name'],
    ['an input schema that is no object', { input: 'string' }, 'input: '],
    ['65 triggers', { triggers: Array(65).fill({ http: {} }) }, 'triggers: '],
  ])('is refused for %s', (_, change, fault) => {
    expect(faults({ ...MINIMAL, ...change })).toContainEqual(expect.stringContaining(fault));
  });

  it.each([
    'users/{id}',
    '/',
    '/users/',
    '/users//x',
    '/Users',
    '/users/{}',
    '/users/{a-b}',
    '/users/{id}x',
    '/users/*',
    '/users/:id',
    '/users/%66',
    '/users/..',
    '/users/{id}?',
    '/users\n',
    `/${Array(17).fill('a').join('/')}`,
  ])('may not listen on %j', (path) => {
    expect(faults({ ...MINIMAL, triggers: [{ http: { path } }] })).not.toEqual([]);
  });

  it.each(['', 'a b', 'a\0', 'a\nb', 'x'.repeat(513)])('may not subscribe to %j', (filter) => {
    expect(faults({ ...MINIMAL, triggers: [{ mqtt: { filter } }] })).not.toEqual([]);
  });
});

describe('a route', () => {
  it('is what the registry makes of it', () => {
    expect(route.parse({ ...ROUTE, aliases: { canary: '1.0.0' } })).toMatchObject({
      path: 'users/find',
      aliases: { canary: '1.0.0' },
      versions: [{ version: '1.0.0', digest: DIGEST, weight: 100 }],
    });
    expect(route.parse(ROUTE).aliases).toEqual({});
  });

  it('may hold fields of a later version of the mesh', () => {
    expect(route.safeParse({ ...ROUTE, sticky: true }).success).toBe(true);
  });

  it.each<[string, object]>([
    ['no versions', { versions: [] }],
    ['a bad digest', { versions: [{ ...VERSION, digest: 'sha256:../../etc' }] }],
    ['a weight above 100', { versions: [{ ...VERSION, weight: 101 }] }],
    ['revision 0', { revision: 0 }],
    ['an alias that is a version', { aliases: { '1.0.0': '1.0.0' } }],
    ['an alias of nothing', { aliases: { canary: 'stable' } }],
    ['a path that is none', { path: 'users/*' }],
  ])('is not one with %s', (_, change) =>
    expect(route.safeParse({ ...ROUTE, ...change }).success).toBe(false),
  );
});

describe('the limits of a route', () => {
  const of = (...limits: object[]) =>
    route.parse({
      ...ROUTE,
      aliases: { small: '1.0.1' },
      versions: limits.map((one, n) => ({
        ...VERSION,
        version: `1.0.${n}`,
        weight: n === 0 ? 100 : 0,
        limits: one,
      })),
    });

  it('may have fields that a newer registry wrote', () => {
    expect(of({ concurrency: 2, colour: 'red' }).versions[0]?.limits).toEqual({ concurrency: 2 });
  });

  it.each<[object[], string | undefined, number | undefined]>([
    [[{}], undefined, undefined],
    [[{ payloadBytes: 10 }], undefined, 10],
    [[{ payloadBytes: 0 }], undefined, 0],
    [[{ payloadBytes: 10 }, { payloadBytes: 5 }], undefined, 10],
    [[{ payloadBytes: 10 }, { payloadBytes: 5 }], '1.0.1', 5],
    [[{ payloadBytes: 10 }, { payloadBytes: 5 }], 'small', 5],
    [[{ payloadBytes: 10 }], '9.9.9', undefined],
  ])('%j, version %s: a body may have %s bytes', (limits, wanted, expected) => {
    expect(payloadLimitOf(of(...limits), wanted)).toBe(expected);
  });
});
