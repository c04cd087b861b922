import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the operator says of the limits of a handler, beside his values of its environment. */
export class Limits1763930000000 implements MigrationInterface {
  readonly name = 'Limits1763930000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query("ALTER TABLE routes ADD COLUMN limits jsonb NOT NULL DEFAULT '{}'");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE routes DROP COLUMN limits');
  }
}
