import type { EntityManager } from 'typeorm';
import type { ControlPath } from '#contracts';
import { HandlerRow, RouteRow, VersionRow } from './entities.js';
import { versionRecord } from './records.js';
import type { HandlerRecord, LiveRecord, Share } from './values.js';

/** Which handlers to read: those after a path, in order, or exactly some. */
export interface LiveQuery {
  readonly after?: string;
  readonly limit?: number;
  readonly paths?: readonly string[];
}

interface Row {
  handler: HandlerRow;
  route: RouteRow;
}

/** Handlers with their live versions, in order of path. Two queries, whatever their number. */
export async function liveHandlers(manager: EntityManager, query: LiveQuery): Promise<HandlerRecord[]> {
  const rows = await routesOf(manager, query);
  const versions = await versionsOf(manager, rows);
  return rows.map((row) => handlerRecord(row, versions));
}

async function routesOf(manager: EntityManager, { after, limit, paths }: LiveQuery): Promise<Row[]> {
  const select = manager
    .createQueryBuilder(RouteRow, 'route')
    .innerJoinAndMapOne('route.handler', HandlerRow, 'handler', 'handler.path = route.path')
    .orderBy('route.path COLLATE "C"');
  if (after !== undefined) select.andWhere('route.path COLLATE "C" > :after', { after });
  if (paths) select.andWhere('route.path = ANY(:paths)', { paths });
  if (limit !== undefined) select.limit(limit);
  const routes = (await select.getMany()) as (RouteRow & { handler: HandlerRow })[];
  return routes.map((route) => ({ handler: route.handler, route }));
}

/** Versions that only an alias names. */
function aliasedOf({ live, aliases }: RouteRow): Share[] {
  const names = new Set(Object.values(aliases));
  for (const { version } of live) names.delete(version);
  return [...names].map((version) => ({ version, weight: 0 }));
}

/** The live and aliased versions of these routes, by `path@version`. */
async function versionsOf(manager: EntityManager, rows: readonly Row[]): Promise<Map<string, VersionRow>> {
  if (rows.length === 0) return new Map();
  const wanted = rows.flatMap(({ route }) =>
    [...route.live, ...aliasedOf(route)].map(({ version }) => [route.path, version] as const),
  );
  const found = await manager
    .createQueryBuilder(VersionRow, 'v')
    .where('(v.path, v.version) IN (SELECT * FROM unnest(:paths::text[], :versions::text[]))', {
      paths: wanted.map(([path]) => path),
      versions: wanted.map(([, version]) => version),
    })
    .getMany();
  return new Map(found.map((row) => [`${row.path}@${row.version}`, row]));
}

function handlerRecord({ handler, route }: Row, versions: ReadonlyMap<string, VersionRow>): HandlerRecord {
  const recordOf = (share: Share) => liveRecord(route.path, share, versions);
  return {
    path: route.path as ControlPath,
    createdAt: handler.createdAt,
    createdBy: handler.createdBy,
    revision: route.revision,
    changedAt: route.changedAt,
    // Stored in this order since weights can be set; before, there was one.
    live: route.live.map(recordOf),
    aliases: route.aliases,
    aliased: aliasedOf(route).map(recordOf),
    environment: route.environment,
    limits: route.limits,
  };
}

function liveRecord(path: string, share: Share, versions: ReadonlyMap<string, VersionRow>): LiveRecord {
  const row = versions.get(`${path}@${share.version}`);
  if (!row) throw new Error(`the route of ${path} names version ${share.version}, which does not exist`);
  return { ...versionRecord(row), weight: share.weight };
}
