import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Limits, Manifest } from '#contracts';
import type { Actor, Role, Share } from './values.js';

/*
 * The tables as TypeORM sees them. What makes them safe (immutable versions, append-only audit, one owner of an
 * HTTP pattern) is in the migrations, where the database itself holds to it.
 *
 *   handlers ──< versions          a control path, and every version that was ever published under it
 *      │            ├── deprecations, removals   what was said of a version since; the version itself never changes
 *      └─────── routes             which of the versions are live, with which share of the calls; aliases; environment; limits
 *                 ├──< route_history  what each revision was
 *                 ├──< route_outbox   changes that KV has not seen yet
 *                 └──< http_claims the HTTP patterns that the heaviest live version answers
 *   tokens                         who may use the API, by the hash of their secret
 *   reports                        what executors say of the versions they hold
 *   audit_entries                  who did what, in the order in which it was committed
 */

@Entity('handlers')
export class HandlerRow {
  @PrimaryColumn('text')
  path: string;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('text', { name: 'created_by' })
  createdBy: string;
}

@Entity('versions')
export class VersionRow {
  /** Order of publication; also the cursor of its list. A bigint, which pg gives as text. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  seq: string;

  @Column('text')
  path: string;

  @Column('text')
  version: string;

  /** Sorts as the version does: see version-rank.ts. */
  @Column('text')
  rank: string;

  @Column('text')
  digest: string;

  /** Bytes of the artifact. */
  @Column('integer')
  size: number;

  @Column('jsonb')
  manifest: Manifest;

  @Column('timestamptz', { name: 'published_at', default: () => 'now()' })
  publishedAt: Date;

  @Column('text', { name: 'published_by' })
  publishedBy: string;
}

@Entity('routes')
export class RouteRow {
  @PrimaryColumn('text')
  path: string;

  @Column('integer')
  revision: number;

  @Column('jsonb')
  live: readonly Share[];

  @Column('jsonb')
  aliases: Readonly<Record<string, string>>;

  @Column('jsonb')
  environment: Readonly<Record<string, string>>;

  @Column('jsonb')
  limits: Limits;

  @Column('timestamptz', { name: 'changed_at', default: () => 'now()' })
  changedAt: Date;
}

@Entity('route_history')
export class RouteHistoryRow {
  @PrimaryColumn('text')
  path: string;

  @PrimaryColumn('integer')
  revision: number;

  @Column('jsonb')
  live: readonly Share[];

  @Column('jsonb')
  aliases: Readonly<Record<string, string>>;

  @Column('text')
  action: string;

  @Column('text')
  actor: string;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;
}

@Entity('route_outbox')
export class RouteOutboxRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  seq: string;

  @Column('text')
  path: string;
}

@Entity('deprecations')
export class DeprecationRow {
  @PrimaryColumn('text')
  path: string;

  @PrimaryColumn('text')
  version: string;

  @Column('text')
  message: string;
}

@Entity('removals')
export class RemovalRow {
  @PrimaryColumn('text')
  path: string;

  @PrimaryColumn('text')
  version: string;
}

@Entity('tokens')
export class TokenRow {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  name: string;

  @Column('text')
  role: Role;

  /** SHA-256 of the token. */
  @Column('bytea')
  hash: Buffer;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column('text', { name: 'created_by' })
  createdBy: string;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;
}

/** A method (`*`: any) and pattern that a live handler answers; the key keeps two from owning the same. */
@Entity('http_claims')
export class HttpClaimRow {
  @PrimaryColumn('text')
  pattern: string;

  @PrimaryColumn('text')
  method: string;

  @Column('text')
  path: string;
}

@Entity('reports')
export class ReportRow {
  @PrimaryColumn('text')
  path: string;

  @PrimaryColumn('text')
  version: string;

  @PrimaryColumn('text')
  executor: string;

  @Column('text')
  code: string;

  @Column('text', { nullable: true })
  detail: string | null;

  @Column('timestamptz', { name: 'reported_at', default: () => 'now()' })
  reportedAt: Date;
}

@Entity('audit_entries')
export class AuditRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  seq: string;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;

  @Column('text')
  actor: string;

  @Column('text')
  action: string;

  @Column('text', { nullable: true })
  path: string | null;

  @Column('text', { nullable: true })
  version: string | null;

  @Column('jsonb', { default: {} })
  origin: Actor['origin'];

  @Column('jsonb', { nullable: true })
  before: unknown;

  @Column('jsonb', { nullable: true })
  after: unknown;

  @Column('jsonb', { default: {} })
  detail: Record<string, unknown>;
}

export const ENTITIES = [
  HandlerRow,
  VersionRow,
  RouteRow,
  RouteHistoryRow,
  RouteOutboxRow,
  HttpClaimRow,
  DeprecationRow,
  RemovalRow,
  ReportRow,
  TokenRow,
  AuditRow,
];
