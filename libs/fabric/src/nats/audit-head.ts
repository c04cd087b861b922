import { type KV, Kvm } from '@nats-io/kv';
import { z } from 'zod';
import { AUDIT_BUCKET, AUDIT_HEAD_KEY } from '#contracts';
import type { AuditHead, AuditHeadStore } from '../audit-stream.js';
import type { Connection } from '../connection.js';
import type { NatsMeshConnection } from './connect.js';

/** The last heads, to look at when something is amiss. */
const HISTORY = 64;

const auditHead = z.object({ seq: z.int().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) });

/** Opens the bucket of the head, making it if need be: the only place that declares it. */
export async function openAuditHead(connection: Connection): Promise<AuditHeadStore> {
  const { nc } = connection as NatsMeshConnection;
  return new KvAuditHead(await new Kvm(nc).create(AUDIT_BUCKET, { history: HISTORY }));
}

class KvAuditHead implements AuditHeadStore {
  constructor(private readonly bucket: KV) {}

  /** @throws Error when what is kept there is no head: only who means harm writes such a thing */
  async get(): Promise<{ head: AuditHead; revision: number } | undefined> {
    const entry = await this.bucket.get(AUDIT_HEAD_KEY);
    if (entry?.operation !== 'PUT') return undefined;
    return { head: auditHead.parse(entry.json()), revision: entry.revision };
  }

  async put(head: AuditHead, revision: number | undefined): Promise<void> {
    const value = JSON.stringify(head);
    if (revision === undefined) await this.bucket.create(AUDIT_HEAD_KEY, value);
    else await this.bucket.update(AUDIT_HEAD_KEY, value, revision);
  }
}
