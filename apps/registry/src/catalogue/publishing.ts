import type { EntityManager } from 'typeorm';
import { MeshError } from '#contracts';
import { appendAudit } from './audit-trail.js';
import { assertExpected, changeRoute } from './change-route.js';
import { HandlerRow, RemovalRow, RouteRow, VersionRow } from './entities.js';
import { lockPublishing } from './locks.js';
import { versionRecord } from './records.js';
import type { Publication, Published } from './values.js';
import { versionRank } from './version-rank.js';

/*
 * One publication, inside one transaction: all of version, route, claims and audit entry, or none. The
 * publishing lock comes first, so that what is read here stays true until the commit.
 */

/**
 * @throws MeshError `conflict` when the version exists with another digest, or when another handler answers the
 *   same HTTP method and pattern; `revision-mismatch`
 */
export async function publish(manager: EntityManager, publication: Publication): Promise<Published> {
  await lockPublishing(manager);
  const known = await findKnown(manager, publication);
  if (known) return { created: false, record: versionRecord(known) };
  const { path } = publication.manifest;
  const route = await manager.findOneBy(RouteRow, { path });
  assertExpected(route?.revision ?? 0, publication.expected);
  await insertHandler(manager, publication);
  const row = await insertVersion(manager, publication);
  if (publication.live || !route) await changeForNew(manager, publication);
  else await recordOnly(manager, publication);
  return { created: true, record: versionRecord(row) };
}

/** The same version with the same bytes, from an earlier attempt. */
async function findKnown(manager: EntityManager, { manifest, digest }: Publication) {
  const { path, version } = manifest;
  const known = await manager.findOneBy(VersionRow, { path, version });
  if (!known) return undefined;
  if (await manager.existsBy(RemovalRow, { path, version }))
    throw new MeshError(
      'conflict',
      `${path}@${version} was deleted, and a version number is never used again; publish another version.`,
    );
  if (known.digest !== digest)
    throw new MeshError(
      'conflict',
      `${path}@${version} was published with digest ${known.digest} and a version never changes; publish another version.`,
    );
  return known;
}

async function insertHandler(manager: EntityManager, { manifest, by }: Publication): Promise<void> {
  const row = { path: manifest.path as string, createdBy: by.name };
  await manager.createQueryBuilder().insert().into(HandlerRow).values(row).orIgnore().execute();
}

async function insertVersion(manager: EntityManager, publication: Publication): Promise<VersionRow> {
  const { manifest, digest, size, by } = publication;
  const { path, version } = manifest;
  const rank = versionRank(version);
  return manager.save(
    manager.create(VersionRow, { path, version, rank, digest, size, manifest, publishedBy: by.name }),
  );
}

/** All calls go to the new version; a handler's first one makes its route, also when it is not to be live. */
async function changeForNew(manager: EntityManager, publication: Publication): Promise<void> {
  const { manifest, live } = publication;
  const { path, version } = manifest;
  const change = { path, by: publication.by, expected: undefined, action: 'publish', version };
  await changeRoute(manager, { ...change, detail: detailOf(publication) }, (now) => ({
    ...now,
    live: live ? [{ version, weight: 100 }] : [],
  }));
}

async function recordOnly(manager: EntityManager, publication: Publication): Promise<void> {
  const { manifest, by } = publication;
  const { path, version } = manifest;
  const detail = detailOf(publication);
  await appendAudit(manager, { by, action: 'publish', path, version, before: null, after: null, detail });
}

const detailOf = ({ digest, size, live }: Publication) => ({ digest, size, live });
