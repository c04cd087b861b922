import type { EntityManager } from 'typeorm';
import { AuditRow } from './entities.js';
import type { Actor } from './values.js';

/** One change, as it is recorded with it. */
export interface AuditEntry {
  readonly by: Actor;
  /** `publish`, `route`, `alias`, …: the table in docs/adr/0032 */
  readonly action: string;
  readonly path?: string;
  readonly version?: string;
  /** What was changed as it was, and as it is now; null: it was not there, it is gone. */
  readonly before: object | null;
  readonly after: object | null;
  readonly detail?: Record<string, unknown>;
}

/** The one way into the audit, inside the transaction of the change: neither is there without the other. */
export async function appendAudit(manager: EntityManager, entry: AuditEntry): Promise<void> {
  const { by, detail = {}, ...rest } = entry;
  await manager.insert(AuditRow, { ...rest, actor: by.name, origin: by.origin, detail } as object);
}
