import type { EntityManager } from 'typeorm';
import { MeshError } from '#contracts';
import { AuditRow, HandlerRow, HttpClaimRow, RouteRow, VersionRow } from './entities.js';
import { lockPublishing } from './locks.js';
import { versionRecord } from './records.js';
import { type HttpClaim, overlaps, type Publication, type Published } from './values.js';

/*
 * One publication, inside one transaction: all of version, route, claims and audit entry, or none. The
 * publishing lock comes first, so that what is read here stays true until the commit.
 */

/**
 * @throws MeshError `conflict` when the version exists with another digest, or when another handler answers the
 *   same HTTP method and pattern
 */
export async function publish(manager: EntityManager, publication: Publication): Promise<Published> {
  await lockPublishing(manager);
  const known = await findKnown(manager, publication);
  if (known) return { created: false, record: versionRecord(known) };
  await refuseClaimed(manager, publication);
  await insertHandler(manager, publication);
  const row = await insertVersion(manager, publication);
  const revision = await goLive(manager, publication);
  await replaceClaims(manager, publication);
  await appendAudit(manager, publication, revision);
  return { created: true, record: versionRecord(row) };
}

/** The same version with the same bytes, from an earlier attempt. */
async function findKnown(manager: EntityManager, { manifest, digest }: Publication) {
  const { path, version } = manifest;
  const known = await manager.findOneBy(VersionRow, { path, version });
  if (known && known.digest !== digest)
    throw new MeshError(
      'conflict',
      `${path}@${version} was published with digest ${known.digest} and a version never changes; publish another version.`,
    );
  return known;
}

async function refuseClaimed(manager: EntityManager, { manifest, claims }: Publication): Promise<void> {
  const others = await manager
    .createQueryBuilder(HttpClaimRow, 'claim')
    .where('claim.pattern IN (:...patterns)', { patterns: ['', ...claims.map((c) => c.pattern)] })
    .andWhere('claim.path <> :path', { path: manifest.path })
    .getMany();
  const taken = others.find((other) => claims.some((claim) => overlaps(claim, other)));
  if (taken)
    throw new MeshError('conflict', `The handler ${taken.path} already answers HTTP ${claimText(taken)}.`);
}

const claimText = ({ method, pattern }: HttpClaim): string =>
  `${method === '*' ? '(any method)' : method} ${pattern}`;

async function insertHandler(manager: EntityManager, { manifest, actor }: Publication): Promise<void> {
  const row = { path: manifest.path as string, createdBy: actor };
  await manager.createQueryBuilder().insert().into(HandlerRow).values(row).orIgnore().execute();
}

async function insertVersion(manager: EntityManager, publication: Publication): Promise<VersionRow> {
  const { manifest, digest, size, actor } = publication;
  const { path, version } = manifest;
  return manager.save(
    manager.create(VersionRow, { path, version, digest, size, manifest, publishedBy: actor }),
  );
}

/** All calls go to the new version; weights between versions are for another command. */
async function goLive(manager: EntityManager, { manifest }: Publication): Promise<number> {
  const { path, version } = manifest;
  const previous = await manager.findOneBy(RouteRow, { path });
  const revision = (previous?.revision ?? 0) + 1;
  const route = { path, revision, live: [{ version, weight: 100 }], changedAt: new Date() };
  await manager.upsert(RouteRow, route, ['path']);
  return revision;
}

async function replaceClaims(manager: EntityManager, { manifest, claims }: Publication): Promise<void> {
  const { path } = manifest;
  await manager.delete(HttpClaimRow, { path });
  if (claims.length > 0)
    await manager.insert(
      HttpClaimRow,
      claims.map((claim) => ({ ...claim, path })),
    );
}

async function appendAudit(
  manager: EntityManager,
  publication: Publication,
  revision: number,
): Promise<void> {
  const { manifest, digest, size, actor } = publication;
  const { path, version } = manifest;
  const detail = { digest, size, revision };
  await manager.insert(AuditRow, { actor, action: 'publish', path, version, detail });
}
