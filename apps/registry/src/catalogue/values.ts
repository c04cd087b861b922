import type { ControlPath, Limits, Manifest } from '#contracts';

/* What the rest of the registry sees of the catalogue: plain values, no entity. */

/** Who asks for a change, and from where: it stands in the audit. */
export interface Actor {
  /** `admin`, `token:<name>`, `import:<source>` */
  readonly name: string;
  readonly origin: {
    /** Remote address of the connection. */
    readonly address?: string;
    /** The client's own word. */
    readonly agent?: string;
    /** Id of the token. */
    readonly token?: string;
  };
}

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

/** A version, and what has been said of it since. */
export interface ListedVersion extends VersionRecord {
  /** Absent: calls reach it, if at all, by an alias only. */
  readonly weight?: number;
  /** Why it should not be used any more. */
  readonly deprecated?: string;
}

/** One live version and its share, in percent, of the calls that name no version. */
export interface Share {
  readonly version: string;
  readonly weight: number;
}

export interface LiveRecord extends VersionRecord {
  /** Percent of the calls that name no version. */
  readonly weight: number;
}

/** What a change of a route works on. */
export interface RouteState {
  /** 0: there is none yet. */
  readonly revision: number;
  readonly live: readonly Share[];
  readonly aliases: Readonly<Record<string, string>>;
  /** The operator's values; they are shown to nobody. */
  readonly environment: Readonly<Record<string, string>>;
  /** The operator's, which go before those of a manifest. */
  readonly limits: Limits;
}

/** Which revisions of a route a change is meant for: these, any that there is, or (absent) whatever there is. */
export type Expected = readonly number[] | 'any' | undefined;

/** A change of one handler. */
export interface Change {
  readonly path: ControlPath;
  readonly by: Actor;
  readonly expected: Expected;
}

/** A handler with its live versions, heaviest first. */
export interface HandlerRecord {
  readonly path: ControlPath;
  readonly createdAt: Date;
  readonly createdBy: string;
  /** Grows with every change of the route. */
  readonly revision: number;
  readonly changedAt: Date;
  /** None: versions were recorded, but none was made live. */
  readonly live: readonly LiveRecord[];
  readonly aliases: Readonly<Record<string, string>>;
  /** Versions that an alias names and that are not live: held ready with weight 0. */
  readonly aliased: readonly LiveRecord[];
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Limits;
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
  /** False: it is recorded, and the route stays as it is. */
  readonly live: boolean;
  readonly by: Actor;
  readonly expected: Expected;
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
  readonly origin: Actor['origin'];
  readonly before: unknown;
  readonly after: unknown;
  readonly detail: Record<string, unknown>;
}

export const ROLES = ['reader', 'publisher', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** A token without its secret. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt?: Date;
}

/** Whether two claims would answer the same request. */
export function overlaps(one: HttpClaim, other: HttpClaim): boolean {
  const sameMethod = one.method === other.method || one.method === '*' || other.method === '*';
  return sameMethod && one.pattern === other.pattern;
}
