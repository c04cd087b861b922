import type { EntityManager } from 'typeorm';
import { type ControlPath, type Limits, MeshError } from '#contracts';
import { appendAudit } from './audit-trail.js';
import { changeRoute, currentRoute } from './change-route.js';
import type { Database } from './database.js';
import { DeprecationRow, RemovalRow, RouteHistoryRow, VersionRow } from './entities.js';
import type { Change, RouteState, Share } from './values.js';

/** Bytes of all the operator's values of one handler together. */
const MAX_ENVIRONMENT_BYTES = 64 * 1024;

/** Limits to be set, or with null no longer to be set. */
export type LimitChanges = { readonly [name in keyof Limits]: Limits[name] | null };

/** What may be done to a handler besides publishing. Each method is one transaction; see {@link changeRoute}. */
export class RouteChanges {
  constructor(private readonly database: Database) {}

  /** @param live weights add up to 100 */
  async setLive(change: Change, live: readonly Share[]): Promise<void> {
    await this.database.transaction((manager) =>
      changeRoute(manager, { ...change, action: 'route' }, (now) => ({ ...now, live })),
    );
  }

  /** @throws MeshError `conflict` while nothing is live: calls that name no version would go to the alias's */
  async setAlias(change: Change, alias: string, version: string): Promise<void> {
    const recorded = { ...change, action: 'alias', version, detail: { alias } };
    await this.database.transaction((manager) =>
      changeRoute(manager, recorded, (now) => {
        if (now.live.length === 0)
          throw new MeshError('conflict', `No version of ${change.path} is live yet; make one live first.`);
        return { ...now, aliases: { ...now.aliases, [alias]: version } };
      }),
    );
  }

  /** @throws MeshError `not-found` */
  async removeAlias(change: Change, alias: string): Promise<void> {
    const recorded = { ...change, action: 'alias-remove', detail: { alias } };
    await this.database.transaction((manager) =>
      changeRoute(manager, recorded, (now) => {
        const { [alias]: version, ...aliases } = now.aliases;
        if (version === undefined) throw new MeshError('not-found', `${change.path} has no alias ${alias}.`);
        return { ...now, aliases };
      }),
    );
  }

  /**
   * To what was live before what is live now, so that a second rollback is back where the first began; or all calls
   * to one version.
   */
  async rollback(change: Change, to: string | undefined): Promise<void> {
    const recorded = { ...change, action: 'rollback', ...(to === undefined ? {} : { version: to }) };
    await this.database.transaction((manager) =>
      changeRoute(manager, recorded, async (now) => ({
        ...now,
        live: to === undefined ? await liveBefore(manager, change.path, now) : [{ version: to, weight: 100 }],
      })),
    );
  }

  /** Nothing is live any more: the path is gone until a version is made live again. */
  async retire(change: Change): Promise<void> {
    await this.database.transaction((manager) =>
      changeRoute(manager, { ...change, action: 'retire' }, (now) => ({ ...now, live: [], aliases: {} })),
    );
  }

  /** @param values null takes a name away. @throws MeshError `bad-request` for a name that no version asks for */
  async setEnvironment(change: Change, values: Readonly<Record<string, string | null>>): Promise<void> {
    const recorded = { ...change, action: 'environment', detail: { names: Object.keys(values).sort() } };
    await this.database.transaction((manager) =>
      changeRoute(manager, recorded, async (now) => {
        await refuseUnknown(manager, change.path, values);
        return { ...now, environment: merged(now.environment, values) };
      }),
    );
  }

  /** @param values null leaves a limit to the manifests again; those not mentioned stay */
  async setLimits(change: Change, values: LimitChanges): Promise<void> {
    const recorded = { ...change, action: 'limits', detail: { names: Object.keys(values).sort() } };
    await this.database.transaction((manager) =>
      changeRoute(manager, recorded, (now) => {
        const all = Object.entries({ ...now.limits, ...values });
        return { ...now, limits: Object.fromEntries(all.filter(([, value]) => value !== null)) };
      }),
    );
  }

  /** @param message why; empty: it is deprecated no more */
  async deprecate(change: Change, version: string, message: string): Promise<void> {
    const { path, by } = change;
    await this.database.transaction(async (manager) => {
      await currentRoute(manager, change);
      await assertThere(manager, path, version);
      const known = await manager.findOneBy(DeprecationRow, { path, version });
      if ((known?.message ?? '') === message) return;
      if (message === '') await manager.delete(DeprecationRow, { path, version });
      else await manager.upsert(DeprecationRow, { path, version, message }, ['path', 'version']);
      const before = known ? { deprecated: known.message } : null;
      const after = message === '' ? null : { deprecated: message };
      await appendAudit(manager, { by, action: 'deprecate', path, version, before, after });
    });
  }

  /** It is gone for good, its number stays taken. @throws MeshError `conflict` while it is live or aliased */
  async remove(change: Change, version: string): Promise<void> {
    const { path, by } = change;
    await this.database.transaction(async (manager) => {
      const now = await currentRoute(manager, change);
      const row = await assertThere(manager, path, version);
      refuseUsed(path, version, now);
      await manager.insert(RemovalRow, { path, version });
      const before = { digest: row.digest, size: row.size };
      await appendAudit(manager, { by, action: 'delete', path, version, before, after: null });
    });
  }
}

async function liveBefore(
  manager: EntityManager,
  path: ControlPath,
  { revision, live }: RouteState,
): Promise<readonly Share[]> {
  const found = await manager
    .createQueryBuilder(RouteHistoryRow, 'h')
    .where('h.path = :path AND h.revision < :revision', { path, revision })
    .andWhere("h.live <> CAST(:live AS jsonb) AND h.live <> '[]'", { live: JSON.stringify(live) })
    // What was deleted since cannot come back: the one before it can.
    .andWhere(
      `NOT EXISTS (SELECT FROM removals r, jsonb_array_elements(h.live) share
        WHERE r.path = h.path AND r.version = share ->> 'version')`,
    )
    .orderBy('h.revision', 'DESC')
    .limit(1)
    .getOne();
  if (found) return found.live;
  throw new MeshError('conflict', `Nothing else was live as ${path} before.`);
}

async function refuseUnknown(
  manager: EntityManager,
  path: ControlPath,
  values: Readonly<Record<string, string | null>>,
): Promise<void> {
  const wanted = Object.keys(values).filter((name) => values[name] !== null);
  const asked: { name: string }[] = await manager.query(
    `SELECT DISTINCT name FROM versions v, jsonb_array_elements_text(v.manifest -> 'env') AS name
      WHERE v.path = $1 AND name = ANY($2)
        AND NOT EXISTS (SELECT FROM removals r WHERE r.path = v.path AND r.version = v.version)`,
    [path, wanted],
  );
  const unknown = wanted.filter((name) => !asked.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new MeshError(
      'bad-request',
      `No version of ${path} asks for ${unknown.join(', ')} in its manifest.`,
    );
}

function merged(
  now: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const all = Object.entries({ ...now, ...values });
  const kept = all.filter((entry): entry is [string, string] => entry[1] !== null);
  const size = kept.reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
  if (size > MAX_ENVIRONMENT_BYTES)
    throw new MeshError('bad-request', `The values have ${size} bytes, ${MAX_ENVIRONMENT_BYTES} at most.`);
  return Object.fromEntries(kept);
}

async function assertThere(manager: EntityManager, path: ControlPath, version: string): Promise<VersionRow> {
  const row = await manager.findOneBy(VersionRow, { path, version });
  if (row && !(await manager.existsBy(RemovalRow, { path, version }))) return row;
  throw new MeshError('no-version', `${path} has no version ${version}.`);
}

function refuseUsed(path: ControlPath, version: string, { live, aliases }: RouteState): void {
  const names = Object.keys(aliases).filter((alias) => aliases[alias] === version);
  if (live.some((share) => share.version === version))
    throw new MeshError('conflict', `${path}@${version} is live. Route the calls to another version first.`);
  if (names.length > 0)
    throw new MeshError('conflict', `The alias ${names.join(', ')} names ${path}@${version}. Move it first.`);
}
