import type { EntityManager } from 'typeorm';
import type { InvocationRecord } from '#contracts';

type Kind = Pick<InvocationRecord, 'path' | 'version' | 'source' | 'status' | 'outcome'>;

/** Some hundred bytes each; beyond, they are looked up anew. */
const MAX_KNOWN = 100_000;

const keyOf = ({ path, version, source, status, outcome }: Kind): string =>
  `${path} ${version ?? ''} ${source} ${status} ${outcome}`;

/** The numbers of kinds, remembered: they never change. */
export class Kinds {
  readonly #known = new Map<string, number>();

  /** A number for each record, in their order. Not part of the transaction that uses them: it may be rolled back. */
  async numbersOf(manager: EntityManager, records: readonly InvocationRecord[]): Promise<number[]> {
    if (this.#known.size > MAX_KNOWN) this.#known.clear();
    const keys = records.map(keyOf);
    const missing = new Map(records.flatMap((record, i) => this.#unknown(keys[i] as string, record)));
    if (missing.size > 0) await this.#learn(manager, [...missing.values()]);
    return keys.map((key) => this.#known.get(key) as number);
  }

  #unknown(key: string, kind: Kind): [string, Kind][] {
    return this.#known.has(key) ? [] : [[key, kind]];
  }

  async #learn(manager: EntityManager, kinds: readonly Kind[]): Promise<void> {
    const columns = [
      kinds.map(({ path }) => path),
      kinds.map(({ version = null }) => version),
      kinds.map(({ source }) => source),
      kinds.map(({ status }) => status),
      kinds.map(({ outcome }) => outcome),
    ];
    const given = 'unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[])';
    // In one order, so that two registries that learn the same do not wait for each other in a circle.
    await manager.query(
      `INSERT INTO invocation_kinds (path, version, source, status, outcome)
         SELECT * FROM ${given} AS g ORDER BY g ON CONFLICT DO NOTHING`,
      columns,
    );
    const rows: (Kind & { kind: number })[] = await manager.query(
      `SELECT k.* FROM invocation_kinds k JOIN ${given} AS g (path, version, source, status, outcome)
         ON k.path = g.path AND k.version IS NOT DISTINCT FROM g.version
         AND k.source = g.source AND k.status = g.status AND k.outcome = g.outcome`,
      columns,
    );
    for (const row of rows) this.#known.set(keyOf({ ...row, version: row.version ?? undefined }), row.kind);
  }
}
