import type { SelectQueryBuilder } from 'typeorm';
import { type AuditEntry, appendAudit } from '../audit-trail.js';
import type { Database } from '../database.js';
import { AuditRow } from '../entities.js';
import { auditRecord } from '../records.js';
import type { AuditRecord } from '../values.js';
import { type ChainCheck, checkChain, type Link, readChain } from './verify.js';

/** Which entries to list; all that is said must hold. */
export interface AuditQuery {
  readonly path?: string;
  readonly actor?: string;
  readonly action?: string;
  /** RFC 3339; inclusive. */
  readonly since?: string;
  /** RFC 3339; exclusive. */
  readonly until?: string;
}

/** What was done, and by whom. A change of the catalogue appends to it inside its own transaction. */
export class Audit {
  constructor(private readonly database: Database) {}

  /** For what is done outside the database: written first, so that nothing is done that is not on record. */
  async append(entry: AuditEntry): Promise<void> {
    await this.database.transaction((manager) => appendAudit(manager, entry));
  }

  /** Newest first. */
  entries(query: AuditQuery, before: number | undefined, limit: number): Promise<AuditRecord[]> {
    return this.database.run(async (manager) => {
      const select = manager.createQueryBuilder(AuditRow, 'a');
      narrow(select, query);
      if (before !== undefined) select.andWhere('a.seq < :before', { before });
      const rows = await select.orderBy('a.seq', 'DESC').limit(limit).getMany();
      return rows.map(auditRecord);
    });
  }

  /** The last entry; `undefined` while there is none. */
  async head(): Promise<Link | undefined> {
    return this.#link('ORDER BY seq DESC LIMIT 1', []);
  }

  async link(seq: number): Promise<Link | undefined> {
    return this.#link('WHERE seq = $1', [seq]);
  }

  /** From the first entry to the last, a batch at a time: entries may be appended meanwhile. */
  verify(kept: Link | undefined): Promise<ChainCheck> {
    return checkChain((after) => this.database.run((manager) => readChain(manager, after)), kept);
  }

  #link(which: string, parameters: unknown[]): Promise<Link | undefined> {
    return this.database.run(async (manager) => {
      const sql = `SELECT seq::float8 AS seq, hash FROM audit_entries ${which}`;
      const [row]: Link[] = await manager.query(sql, parameters);
      return row;
    });
  }
}

function narrow(select: SelectQueryBuilder<AuditRow>, query: AuditQuery): void {
  for (const column of ['path', 'actor', 'action'] as const)
    if (query[column] !== undefined) select.andWhere(`a.${column} = :${column}`, { [column]: query[column] });
  if (query.since !== undefined) select.andWhere('a.at >= :since', { since: query.since });
  if (query.until !== undefined) select.andWhere('a.at < :until', { until: query.until });
}
