import type { ControlPath, Manifest } from '#contracts';

/* What the rest of the registry sees of the catalogue: plain values, no entity. */

export interface VersionRecord {
  /** Order of publication over all handlers. */
  readonly seq: number;
  readonly path: ControlPath;
  readonly version: string;
  /** `sha256:<hex>` of the artifact's bytes. */
  readonly digest: string;
  /** Bytes of the artifact. */
  readonly size: number;
  readonly manifest: Manifest;
  readonly publishedAt: Date;
  readonly publishedBy: string;
}

export interface LiveRecord extends VersionRecord {
  /** Percent of the calls that name no version. */
  readonly weight: number;
}

/** A handler with its live versions, heaviest first. */
export interface HandlerRecord {
  readonly path: ControlPath;
  readonly createdAt: Date;
  readonly createdBy: string;
  /** Grows with every change of the route. */
  readonly revision: number;
  readonly changedAt: Date;
  readonly live: readonly LiveRecord[];
}

/** An HTTP pattern, parameters unnamed (`/users/{}`), and one method or `*` for any. */
export interface HttpClaim {
  readonly pattern: string;
  readonly method: string;
}

/** What the one door asks the catalogue to record. */
export interface Publication {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly size: number;
  readonly claims: readonly HttpClaim[];
  readonly actor: string;
}

export interface Published {
  /** False when exactly this was published before. */
  readonly created: boolean;
  readonly record: VersionRecord;
}

/** An executor's word that it cannot run a version. */
export interface ReportRecord {
  readonly path: ControlPath;
  readonly version: string;
  readonly executor: string;
  readonly code: string;
  readonly detail?: string;
  readonly reportedAt: Date;
}

export interface AuditRecord {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly path?: string;
  readonly version?: string;
  readonly detail: Record<string, unknown>;
}

/** Whether two claims would answer the same request. */
export function overlaps(one: HttpClaim, other: HttpClaim): boolean {
  const sameMethod = one.method === other.method || one.method === '*' || other.method === '*';
  return sameMethod && one.pattern === other.pattern;
}
