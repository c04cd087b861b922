import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Manifest } from '#contracts';

/*
 * The tables as TypeORM sees them. What makes them safe (immutable versions, append-only audit, one owner of an
 * HTTP pattern) is in the migrations, where the database itself holds to it.
 *
 *   handlers ──< versions          a control path, and every version that was ever published under it
 *      └─────── routes             which of the versions are live, with which share of the calls
 *                 └──< http_claims the HTTP patterns that the live versions answer
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

/** One live version and its share, in percent, of the calls that name no version. */
export interface Share {
  readonly version: string;
  readonly weight: number;
}

@Entity('routes')
export class RouteRow {
  @PrimaryColumn('text')
  path: string;

  @Column('integer')
  revision: number;

  @Column('jsonb')
  live: Share[];

  @Column('timestamptz', { name: 'changed_at', default: () => 'now()' })
  changedAt: Date;
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
  detail: Record<string, unknown>;
}

export const ENTITIES = [HandlerRow, VersionRow, RouteRow, HttpClaimRow, ReportRow, AuditRow];
