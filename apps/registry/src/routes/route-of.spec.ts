import { describe, expect, it } from '@jest/globals';
import { type ControlPath, manifest, route } from '#contracts';
import type { HandlerRecord } from '../catalogue/values.js';
import { routeOf } from './route-of.js';

const path = 'users/find' as ControlPath;
const at = new Date(0);
const live = (version: string, weight: number) => ({
  seq: 1,
  path,
  version,
  digest: `sha256:${'a'.repeat(64)}`,
  size: 1,
  manifest: manifest.parse({ path, version, description: 'for people', meta: { owner: 'crm' } }),
  publishedAt: at,
  publishedBy: 'admin',
  weight,
});
const handler: HandlerRecord = {
  path,
  createdAt: at,
  createdBy: 'admin',
  revision: 3,
  changedAt: at,
  live: [live('1.1.0', 90), live('1.0.0', 10)],
  aliases: {},
  aliased: [],
  environment: {},
  limits: {},
};

describe('the route of a handler', () => {
  it('is one that every service can read, with what they need and no more', () => {
    const made = routeOf(handler);
    expect(route.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
    expect(made).toMatchObject({ path, revision: 3, versions: [{ weight: 90 }, { weight: 10 }] });
    expect(JSON.stringify(made)).not.toContain('for people');
    expect(JSON.stringify(made)).not.toContain('admin');
  });

  it('holds what only an alias names, with weight 0', () => {
    const made = routeOf({ ...handler, aliases: { next: '2.0.0' }, aliased: [live('2.0.0', 0)] });
    expect(made?.aliases).toEqual({ next: '2.0.0' });
    expect(made?.versions.map(({ version, weight }) => [version, weight])).toEqual([
      ['1.1.0', 90],
      ['1.0.0', 10],
      ['2.0.0', 0],
    ]);
  });

  it("carries to each version those of the operator's values that its manifest asks for", () => {
    const asking = {
      ...live('1.1.0', 100),
      manifest: { ...live('1.1.0', 100).manifest, env: ['A', 'C'] },
    };
    const environment = { A: 'a value', B: 'of another' };
    const made = routeOf({ ...handler, live: [asking, live('1.0.0', 0)], environment });
    expect(made?.versions.map((version) => version.environment)).toEqual([{ A: 'a value' }, undefined]);
  });

  it("carries the operator's limits to every version, before those of its manifest, and once for itself", () => {
    const slow = live('1.1.0', 100);
    const limits = { timeoutMs: 5_000, queue: 3 };
    const asking = { ...slow, manifest: { ...slow.manifest, limits } };
    const made = routeOf({ ...handler, live: [asking, live('1.0.0', 0)], limits: { queue: 9 } });
    expect(made?.limits).toEqual({ queue: 9 });
    expect(made?.versions.map((version) => version.limits)).toEqual([
      { timeoutMs: 5_000, queue: 9 },
      { queue: 9 },
    ]);
    expect(routeOf(handler)).not.toHaveProperty('limits');
  });

  it('is none while nothing is live', () => {
    expect(routeOf({ ...handler, live: [] })).toBeUndefined();
  });
});
