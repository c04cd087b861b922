import type { MigrationInterface, QueryRunner } from 'typeorm';
import { versionRank } from '../version-rank.js';

/** Weights, aliases, history, environment, deprecation, removal, tokens, and the outbox between Postgres and KV. */
export class ControlPlane1763900000000 implements MigrationInterface {
  readonly name = 'ControlPlane1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
    await rankVersions(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE route_outbox, route_history, deprecations, removals, tokens, catalogue_key',
    );
    await runner.query('ALTER TABLE routes DROP COLUMN aliases, DROP COLUMN environment');
    await runner.query('ALTER TABLE versions DROP COLUMN rank');
    await runner.query('ALTER TABLE audit_entries DROP COLUMN origin, DROP COLUMN before, DROP COLUMN after');
  }
}

/** Versions never change, for anyone but the migration that gives them a column. */
async function rankVersions(runner: QueryRunner): Promise<void> {
  await runner.query('ALTER TABLE versions ADD COLUMN rank text COLLATE "C"');
  await runner.query('ALTER TABLE versions DISABLE TRIGGER versions_are_final');
  const rows: { seq: string; version: string }[] = await runner.query('SELECT seq, version FROM versions');
  await runner.query(
    'UPDATE versions v SET rank = r.rank FROM unnest($1::bigint[], $2::text[]) AS r (seq, rank) WHERE v.seq = r.seq',
    [rows.map(({ seq }) => seq), rows.map(({ version }) => versionRank(version))],
  );
  await runner.query('ALTER TABLE versions ENABLE TRIGGER versions_are_final');
  await runner.query('ALTER TABLE versions ALTER COLUMN rank SET NOT NULL');
  await runner.query('DROP INDEX versions_of_path');
  await runner.query('CREATE INDEX versions_of_path ON versions (path, rank DESC, version COLLATE "C" DESC)');
}

const STATEMENTS = [
  // A handler whose versions were recorded without being made live has a route of none.
  'ALTER TABLE routes DROP CONSTRAINT routes_live_check',
  `ALTER TABLE routes
     ADD COLUMN aliases jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN environment jsonb NOT NULL DEFAULT '{}'`,
  // What each revision was, without the operator's values: for rollback.
  `CREATE TABLE route_history (
     path text NOT NULL REFERENCES handlers,
     revision integer NOT NULL,
     live jsonb NOT NULL,
     aliases jsonb NOT NULL,
     action text NOT NULL,
     actor text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (path, revision))`,
  `INSERT INTO route_history (path, revision, live, aliases, action, actor, at)
     SELECT path, revision, live, '{}', 'publish', '', changed_at FROM routes`,
  // One row for each change that KV has not seen; written with the change, removed when KV has it.
  `CREATE TABLE route_outbox (
     seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     path text NOT NULL,
     at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE deprecations (
     path text NOT NULL,
     version text NOT NULL,
     message text NOT NULL,
     PRIMARY KEY (path, version),
     FOREIGN KEY (path, version) REFERENCES versions (path, version))`,
  // A removed version keeps its row, so that its number never stands for other bytes.
  `CREATE TABLE removals (
     path text NOT NULL,
     version text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (path, version),
     FOREIGN KEY (path, version) REFERENCES versions (path, version))`,
  `CREATE TABLE tokens (
     id uuid PRIMARY KEY,
     name text NOT NULL,
     role text NOT NULL CHECK (role IN ('reader', 'publisher', 'admin')),
     hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
     created_at timestamptz NOT NULL DEFAULT now(),
     created_by text NOT NULL,
     expires_at timestamptz,
     revoked_at timestamptz)`,
  'CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL',
  // For the fingerprints of environment values in the audit: a plain hash of a short secret could be guessed.
  'CREATE TABLE catalogue_key (key bytea NOT NULL)',
  "INSERT INTO catalogue_key VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))",
  `ALTER TABLE audit_entries
     ADD COLUMN origin jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN before jsonb,
     ADD COLUMN after jsonb`,
];
