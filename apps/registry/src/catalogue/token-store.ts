import { randomUUID } from 'node:crypto';
import { IsNull } from 'typeorm';
import { MeshError } from '#contracts';
import { appendAudit } from './audit-trail.js';
import type { Database } from './database.js';
import { TokenRow } from './entities.js';
import { sqlState } from './outage.js';
import { tokenRecord } from './records.js';
import type { Actor, Role, TokenRecord } from './values.js';

/** What an admin says of a new token. */
export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: Date;
}

const UNIQUE_VIOLATION = '23505';

/** Tokens by the hash of their secret; the secret itself is kept nowhere. */
export class TokenStore {
  constructor(private readonly database: Database) {}

  /**
   * @param hash SHA-256 of the token
   * @throws MeshError `conflict` when a token of this name is in use
   */
  async create({ name, role, expiresAt }: NewToken, hash: Buffer, by: Actor): Promise<TokenRecord> {
    return this.database.transaction(async (manager) => {
      const row = { id: randomUUID(), name, role, hash, createdBy: by.name, expiresAt: expiresAt ?? null };
      await manager.insert(TokenRow, row).catch((error: unknown) => {
        if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
        throw new MeshError(
          'conflict',
          `A token named ${name} is in use; revoke it, or choose another name.`,
        );
      });
      const record = tokenRecord(await manager.findOneByOrFail(TokenRow, { id: row.id }));
      await appendAudit(manager, { by, action: 'token-create', before: null, after: shown(record) });
      return record;
    });
  }

  /** In order of name, those that were not revoked. */
  async list(after: string | undefined, limit: number): Promise<TokenRecord[]> {
    return this.database.run(async (manager) => {
      const select = manager.createQueryBuilder(TokenRow, 't').where('t.revokedAt IS NULL');
      if (after !== undefined) select.andWhere('t.name COLLATE "C" > :after', { after });
      const rows = await select.orderBy('t.name COLLATE "C"').limit(limit).getMany();
      return rows.map(tokenRecord);
    });
  }

  /** From now on it opens nothing. @throws MeshError `not-found` */
  async revoke(id: string, by: Actor): Promise<void> {
    await this.database.transaction(async (manager) => {
      const row = await manager.findOneBy(TokenRow, { id, revokedAt: IsNull() });
      if (!row) throw new MeshError('not-found', 'There is no such token.');
      await manager.update(TokenRow, { id }, { revokedAt: new Date() });
      await appendAudit(manager, {
        by,
        action: 'token-revoke',
        before: shown(tokenRecord(row)),
        after: null,
      });
    });
  }

  /** The token that is valid now and has this hash. */
  async find(hash: Buffer): Promise<TokenRecord | undefined> {
    return this.database.run(async (manager) => {
      const row = await manager.findOneBy(TokenRow, { hash, revokedAt: IsNull() });
      if (!row || (row.expiresAt && row.expiresAt.getTime() <= Date.now())) return undefined;
      return tokenRecord(row);
    });
  }
}

const shown = ({ id, name, role, expiresAt }: TokenRecord) => ({
  id,
  name,
  role,
  ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
});
