import type { MigrationInterface, QueryRunner } from 'typeorm';
import { contentOf } from '../audit/content.js';

/**
 * Chains the audit: `hash` is SHA-256 over the hash of the entry before and this entry's content. The database does it,
 * so that there is no way in that does not chain; the registry checks it with code of its own.
 */
export class AuditChain1763910000000 implements MigrationInterface {
  readonly name = 'AuditChain1763910000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER audit_entries_chain ON audit_entries');
    await runner.query('DROP FUNCTION chain_audit_entry()');
    await runner.query(
      'DROP INDEX audit_entries_of_path, audit_entries_of_actor, audit_entries_of_action, audit_entries_at',
    );
    await runner.query('ALTER TABLE audit_entries DROP COLUMN hash');
  }
}

const HASH = (before: string, row: string) =>
  `encode(sha256(convert_to(coalesce(${before}, '') || ${contentOf(row)}, 'UTF8')), 'hex')`;

const STATEMENTS = [
  'ALTER TABLE audit_entries ADD COLUMN hash text',
  /*
   * The lock keeps the order: whoever appends waits for the commit of the one before, and then sees it (READ COMMITTED
   * takes a new snapshot for each statement). `seq` is given here and not by its sequence, which has gaps and hands out
   * numbers in another order than that of the commits: so every missing number is a missing entry.
   */
  `CREATE FUNCTION chain_audit_entry() RETURNS trigger LANGUAGE plpgsql SET timezone TO 'UTC' AS $$
   DECLARE
     last record;
   BEGIN
     PERFORM pg_advisory_xact_lock(x'6d657368'::int, 20);
     SELECT seq, hash INTO last FROM audit_entries ORDER BY seq DESC LIMIT 1;
     NEW.seq := coalesce(last.seq, 0) + 1;
     NEW.hash := ${HASH('last.hash', 'NEW')};
     RETURN NEW;
   END $$`,
  // What was there before the chain is chained as it is now.
  'ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_are_final',
  `DO $$
   DECLARE
     entry audit_entries;
     number bigint := 0;
     previous text;
   BEGIN
     SET LOCAL timezone TO 'UTC';
     FOR entry IN SELECT * FROM audit_entries ORDER BY seq LOOP
       number := number + 1;
       DELETE FROM audit_entries WHERE seq = entry.seq;
       entry.seq := number;
       entry.hash := ${HASH('previous', 'entry')};
       previous := entry.hash;
       INSERT INTO audit_entries OVERRIDING SYSTEM VALUE VALUES (entry.*);
     END LOOP;
   END $$`,
  'ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_are_final',
  'ALTER TABLE audit_entries ALTER COLUMN hash SET NOT NULL',
  `CREATE TRIGGER audit_entries_chain BEFORE INSERT ON audit_entries
     FOR EACH ROW EXECUTE FUNCTION chain_audit_entry()`,
  'CREATE INDEX audit_entries_of_path ON audit_entries (path, seq DESC)',
  'CREATE INDEX audit_entries_of_actor ON audit_entries (actor, seq DESC)',
  'CREATE INDEX audit_entries_of_action ON audit_entries (action, seq DESC)',
  'CREATE INDEX audit_entries_at ON audit_entries (at)',
];
