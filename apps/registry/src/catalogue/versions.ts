import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { ControlPath } from '#contracts';
import { DeprecationRow, HandlerRow, RemovalRow, RouteRow, VersionRow } from './entities.js';
import { versionRecord } from './records.js';
import type { ListedVersion } from './values.js';
import { versionRank } from './version-rank.js';

type Row = VersionRow & { route: RouteRow | null; deprecation: DeprecationRow | null };

/** @param after see Catalogue.versions */
export async function listVersions(
  manager: EntityManager,
  path: ControlPath,
  after: string | undefined,
  limit: number,
): Promise<ListedVersion[] | undefined> {
  if (!(await manager.existsBy(HandlerRow, { path }))) return undefined;
  const select = thoseOf(manager, path);
  // Two that differ in build metadata only have the same rank.
  if (after !== undefined)
    select.andWhere('(v.rank, v.version COLLATE "C") < (:rank, :after)', { rank: versionRank(after), after });
  const rows = await select
    .orderBy('v.rank', 'DESC')
    .addOrderBy('v.version COLLATE "C"', 'DESC')
    .limit(limit)
    .getMany();
  return rows.map(listed);
}

export async function listedVersion(
  manager: EntityManager,
  path: ControlPath,
  version: string,
): Promise<ListedVersion | undefined> {
  const row = await thoseOf(manager, path).andWhere('v.version = :version', { version }).getOne();
  return row ? listed(row) : undefined;
}

/** What was deleted is seen nowhere. */
function thoseOf(manager: EntityManager, path: ControlPath): SelectQueryBuilder<VersionRow> {
  return manager
    .createQueryBuilder(VersionRow, 'v')
    .leftJoinAndMapOne('v.route', RouteRow, 'route', 'route.path = v.path')
    .leftJoinAndMapOne(
      'v.deprecation',
      DeprecationRow,
      'deprecation',
      'deprecation.path = v.path AND deprecation.version = v.version',
    )
    .leftJoin(RemovalRow, 'removal', 'removal.path = v.path AND removal.version = v.version')
    .where('v.path = :path AND removal.version IS NULL', { path });
}

function listed(row: VersionRow): ListedVersion {
  const { route, deprecation } = row as Row;
  const weight = route?.live.find(({ version }) => version === row.version)?.weight;
  return {
    ...versionRecord(row),
    ...(weight === undefined ? {} : { weight }),
    ...(deprecation ? { deprecated: deprecation.message } : {}),
  };
}
