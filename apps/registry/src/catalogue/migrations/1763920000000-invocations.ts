import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Invocation records. There are many of them, and few kinds: what a filter asks for (path, version, source, status)
 * stands once a kind, so that one index over (kind, time) serves every combination of filters (ADR 0080).
 */
export class Invocations1763920000000 implements MigrationInterface {
  readonly name = 'Invocations1763920000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE invocations, invocation_batches, invocation_kinds');
  }
}

const STATEMENTS = [
  `CREATE TABLE invocation_kinds (
     kind integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     path text NOT NULL,
     version text,
     source text NOT NULL,
     status smallint NOT NULL,
     outcome text NOT NULL,
     UNIQUE NULLS NOT DISTINCT (path, version, source, status, outcome))`,
  // What was written, as long as the stream may deliver it again.
  'CREATE TABLE invocation_batches (batch uuid PRIMARY KEY)',
  // No foreign key to the kind, which would be looked up for every row; nothing but the intake writes here. The trace
  // id has the length of a UUID, which takes half of what text would.
  `CREATE TABLE invocations (
     started_at timestamptz NOT NULL,
     kind integer NOT NULL,
     id uuid NOT NULL,
     duration_us bigint NOT NULL,
     attempt smallint NOT NULL,
     executor uuid NOT NULL,
     trace_id uuid,
     caller text) PARTITION BY RANGE (started_at)`,
  // Without the id, which orders those of one microsecond: sorting these few costs less than half as wide an index.
  'CREATE INDEX invocations_by_time ON invocations (started_at)',
  'CREATE INDEX invocations_by_kind ON invocations (kind, started_at)',
];
