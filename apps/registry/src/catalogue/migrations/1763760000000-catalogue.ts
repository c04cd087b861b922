import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The first tables. What must never change is refused by the database itself, whoever asks. */
export class Catalogue1763760000000 implements MigrationInterface {
  // TypeORM orders migrations by the digits at the end of this name; class names may be mangled by a bundler.
  readonly name = 'Catalogue1763760000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...TABLES, ...GUARDS]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE reports, http_claims, routes, versions, handlers, audit_entries');
    await runner.query('DROP FUNCTION refuse_change()');
  }
}

const TABLES = [
  `CREATE TABLE handlers (
     path text PRIMARY KEY,
     created_at timestamptz NOT NULL DEFAULT now(),
     created_by text NOT NULL)`,
  `CREATE TABLE versions (
     seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     path text NOT NULL REFERENCES handlers,
     version text NOT NULL,
     digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
     size integer NOT NULL,
     manifest jsonb NOT NULL,
     published_at timestamptz NOT NULL DEFAULT now(),
     published_by text NOT NULL,
     UNIQUE (path, version))`,
  'CREATE INDEX versions_of_path ON versions (path, seq DESC)',
  `CREATE TABLE routes (
     path text PRIMARY KEY REFERENCES handlers,
     revision integer NOT NULL CHECK (revision > 0),
     live jsonb NOT NULL CHECK (jsonb_typeof(live) = 'array' AND jsonb_array_length(live) > 0),
     changed_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE http_claims (
     pattern text NOT NULL,
     method text NOT NULL,
     path text NOT NULL REFERENCES routes ON DELETE CASCADE,
     PRIMARY KEY (pattern, method))`,
  'CREATE INDEX http_claims_of_path ON http_claims (path)',
  `CREATE TABLE reports (
     path text NOT NULL,
     version text NOT NULL,
     executor text NOT NULL,
     code text NOT NULL,
     detail text,
     reported_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (path, version, executor),
     FOREIGN KEY (path, version) REFERENCES versions (path, version))`,
  `CREATE TABLE audit_entries (
     seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     at timestamptz NOT NULL DEFAULT now(),
     actor text NOT NULL,
     action text NOT NULL,
     path text,
     version text,
     detail jsonb NOT NULL DEFAULT '{}')`,
];

const GUARDS = [
  `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
   END $$`,
  ...['versions', 'audit_entries'].flatMap((table) => [
    `CREATE TRIGGER ${table}_are_final BEFORE UPDATE OR DELETE ON ${table}
       FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
    `CREATE TRIGGER ${table}_stay BEFORE TRUNCATE ON ${table}
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  ]),
];
