import { isDeepStrictEqual } from 'node:util';
import semver from 'semver';
import { type EntityManager, In } from 'typeorm';
import { type ControlPath, MeshError } from '#contracts';
import { appendAudit } from './audit-trail.js';
import { claimFor } from './claims.js';
import { HandlerRow, RemovalRow, RouteHistoryRow, RouteOutboxRow, RouteRow, VersionRow } from './entities.js';
import { fingerprints } from './fingerprints.js';
import { lockPublishing } from './locks.js';
import type { Change, Expected, RouteState, Share } from './values.js';

/*
 * Every change of a route, whoever asks for it, inside one transaction: route, history, HTTP claims, audit entry and
 * the outbox's note for KV, or none of them. The publishing lock comes first, so that what is read here stays true
 * until the commit.
 */

/** A route stands in one NATS message and in the memory of every service. */
const MAX_HELD = 32;
/** With the operator's values it fits into a message of 1 MB, NATS's own default. */
const MAX_MANIFESTS_BYTES = 768 * 1024;
const NO_ROUTE: RouteState = { revision: 0, live: [], aliases: {}, environment: {}, limits: {} };

/** How a change is recorded. */
export interface Recorded extends Change {
  readonly action: string;
  readonly version?: string;
  readonly detail?: Record<string, unknown>;
}

export type NextRoute = Omit<RouteState, 'revision'>;

/**
 * A change that changes nothing is done already: no new revision, no entry.
 * @throws MeshError `not-found`, `revision-mismatch`, `no-version`, `bad-request`, `conflict`
 */
export async function changeRoute(
  manager: EntityManager,
  change: Recorded,
  next: (now: RouteState) => NextRoute | Promise<NextRoute>,
): Promise<number> {
  const now = await currentRoute(manager, change);
  const { live, aliases, environment, limits } = await next(now);
  const wanted = { live: sorted(live), aliases, environment, limits };
  if (now.revision > 0 && isDeepStrictEqual({ ...wanted, revision: now.revision }, now)) return now.revision;
  const after: RouteState = { ...wanted, revision: now.revision + 1 };
  const versions = await heldVersions(manager, change.path, after);
  await storeRoute(manager, change, after);
  const main = versions.get(after.live[0]?.version ?? '');
  await claimFor(manager, change.path, main?.manifest);
  await record(manager, change, now, after);
  return after.revision;
}

/** The route as it is, locked. @throws MeshError `not-found`, `revision-mismatch` */
export async function currentRoute(
  manager: EntityManager,
  { path, expected }: Pick<Change, 'path' | 'expected'>,
): Promise<RouteState> {
  await lockPublishing(manager);
  if (!(await manager.existsBy(HandlerRow, { path }))) throw noHandler(path);
  const row = await manager.findOneBy(RouteRow, { path });
  const state = row ? stateOf(row) : NO_ROUTE;
  assertExpected(state.revision, expected);
  return state;
}

export const noHandler = (path: string) =>
  new MeshError('not-found', `No handler was ever published as ${path}.`);

const stateOf = ({ revision, live, aliases, environment, limits }: RouteRow): RouteState => ({
  revision,
  live,
  aliases,
  environment,
  limits,
});

/** RFC 9110, 13.1.1. @throws MeshError `revision-mismatch` */
export function assertExpected(revision: number, expected: Expected): void {
  if (expected === undefined) return;
  if (expected === 'any' ? revision > 0 : expected.includes(revision)) return;
  throw new MeshError(
    'revision-mismatch',
    `The route is at revision ${revision}. Look at it, then try again.`,
  );
}

/** One order for the same shares, so that equal routes are equal; the first one's triggers are the route's. */
const sorted = (live: readonly Share[]): Share[] =>
  live.toSorted((a, b) => b.weight - a.weight || semver.rcompare(a.version, b.version));

/** What executors will hold, by version. @throws MeshError `no-version`, `bad-request` when it is too much */
async function heldVersions(
  manager: EntityManager,
  path: ControlPath,
  { live, aliases }: RouteState,
): Promise<Map<string, VersionRow>> {
  const names = [...new Set([...live.map(({ version }) => version), ...Object.values(aliases)])];
  if (names.length > MAX_HELD)
    throw new MeshError('bad-request', `A route holds at most ${MAX_HELD} versions, live or aliased.`);
  const rows = await manager.findBy(VersionRow, { path, version: In(names) });
  const gone = await manager.findBy(RemovalRow, { path, version: In(names) });
  const found = new Map(rows.map((row) => [row.version, row]));
  for (const { version } of gone) found.delete(version);
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw new MeshError('no-version', `${path} has no version ${missing.join(', ')}.`);
  refuseLarge([...found.values()]);
  return found;
}

function refuseLarge(versions: readonly VersionRow[]): void {
  const size = versions.reduce((sum, { manifest }) => sum + Buffer.byteLength(JSON.stringify(manifest)), 0);
  if (size > MAX_MANIFESTS_BYTES)
    throw new MeshError(
      'bad-request',
      `The manifests of all versions, live or aliased, have ${size} bytes, ${MAX_MANIFESTS_BYTES} at most.`,
    );
}

async function storeRoute(manager: EntityManager, change: Recorded, after: RouteState): Promise<void> {
  const { path, action, by } = change;
  const { revision, live, aliases } = after;
  await manager.upsert(RouteRow, { path, ...after, changedAt: new Date() }, ['path']);
  await manager.insert(RouteHistoryRow, { path, revision, live, aliases, action, actor: by.name });
  await manager.insert(RouteOutboxRow, { path });
}

async function record(
  manager: EntityManager,
  { path, by, action, version, detail }: Recorded,
  before: RouteState,
  after: RouteState,
): Promise<void> {
  await appendAudit(manager, {
    by,
    action,
    path,
    ...(version === undefined ? {} : { version }),
    before: before.revision === 0 ? null : await shown(manager, before),
    after: await shown(manager, after),
    detail: { ...detail, revision: after.revision },
  });
}

/** A route as the audit shows it: values of the environment by their fingerprints. */
async function shown(manager: EntityManager, state: RouteState): Promise<object> {
  return { ...state, environment: await fingerprints(manager, state.environment) };
}
