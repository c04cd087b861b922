import type { ControlPath } from '#contracts';
import type { AuditRow, ReportRow, TokenRow, VersionRow } from './entities.js';
import type { AuditRecord, ReportRecord, TokenRecord, VersionRecord } from './values.js';

/* Rows → plain values. The paths were checked before they were stored. */

export function versionRecord(row: VersionRow): VersionRecord {
  const { version, digest, size, manifest, publishedAt, publishedBy } = row;
  // Within 2^53: at a thousand publications a second for 285,000 years.
  const seq = Number(row.seq);
  return { seq, path: row.path as ControlPath, version, digest, size, manifest, publishedAt, publishedBy };
}

export function reportRecord(row: ReportRow): ReportRecord {
  const { version, executor, code, detail, reportedAt } = row;
  const path = row.path as ControlPath;
  return { path, version, executor, code, reportedAt, ...(detail === null ? {} : { detail }) };
}

export function auditRecord(row: AuditRow): AuditRecord {
  const { at, actor, action, path, version, origin, before, after, detail } = row;
  return {
    seq: Number(row.seq),
    at,
    actor,
    action,
    origin,
    before,
    after,
    detail,
    ...(path === null ? {} : { path }),
    ...(version === null ? {} : { version }),
  };
}

export function tokenRecord({ id, name, role, createdAt, createdBy, expiresAt }: TokenRow): TokenRecord {
  return { id, name, role, createdAt, createdBy, ...(expiresAt === null ? {} : { expiresAt }) };
}
