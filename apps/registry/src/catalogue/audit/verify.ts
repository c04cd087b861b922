import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { contentOf } from './content.js';

/** A place in the chain: the number of an entry and its hash. */
export interface Link {
  readonly seq: number;
  /** Hexadecimal SHA-256. */
  readonly hash: string;
}

/** What is wrong, at the first entry where it shows. */
export interface Broken {
  readonly seq: number;
  readonly reason: string;
}

export interface ChainCheck {
  /** Entries that are as they were written. */
  readonly checked: number;
  /** The last of them. */
  readonly head: Link | null;
  readonly firstBroken?: Broken;
}

interface Row extends Link {
  readonly content: string;
}

/** Reads so many entries, of some hundred bytes each, at a time. */
const BATCH = 1_000;

export type ReadRows = (after: number) => Promise<readonly Row[]>;

/** The entries after one, in order. */
export async function readChain(manager: EntityManager, after: number): Promise<readonly Row[]> {
  return manager.transaction('REPEATABLE READ', async (inside) => {
    await inside.query("SET LOCAL timezone TO 'UTC'");
    return inside.query(
      `SELECT seq::float8 AS seq, hash, ${contentOf('a')} AS content FROM audit_entries a
         WHERE seq > $1 ORDER BY seq LIMIT ${BATCH}`,
      [after],
    );
  });
}

/**
 * Goes along the chain to its first fault. The hashes are computed here: nothing is believed that the database says
 * of itself.
 * @param kept the head as it was kept elsewhere, read *before* this begins: the chain must pass through it, else its
 *   tail was cut off or written anew
 */
export async function checkChain(read: ReadRows, kept: Link | undefined): Promise<ChainCheck> {
  let head: Link | null = null;
  for (;;) {
    const rows = await read(head?.seq ?? 0);
    for (const row of rows) {
      const reason = faultOf(row, head, kept);
      if (reason) return broken(head, (head?.seq ?? 0) + 1, reason);
      head = { seq: row.seq, hash: row.hash };
    }
    if (rows.length < BATCH) break;
  }
  const end = head?.seq ?? 0;
  if (kept && kept.seq > end)
    return broken(head, end + 1, `it is missing: KV keeps ${kept.seq} as the number of the last entry`);
  return { checked: end, head };
}

function faultOf({ seq, hash, content }: Row, before: Link | null, kept: Link | undefined) {
  const expected = (before?.seq ?? 0) + 1;
  if (seq !== expected) return `it is missing: entry ${seq} comes instead`;
  if (hash !== hashOf(before, content)) return 'its hash is not that of its content and of the entry before';
  if (kept?.seq === seq && kept.hash !== hash) return 'its hash is not the one that KV keeps';
  return undefined;
}

const hashOf = (before: Link | null, content: string): string =>
  createHash('sha256')
    .update(before?.hash ?? '')
    .update(content)
    .digest('hex');

const broken = (head: Link | null, seq: number, reason: string): ChainCheck => ({
  checked: head?.seq ?? 0,
  head,
  firstBroken: { seq, reason },
});
