import { z } from 'zod';
import { faultsOf, MeshError } from '#contracts';

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1_000;

/** Query of every list. */
export const pageQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'not a whole number')
    .transform(Number)
    .refine((n) => n >= 1 && n <= MAX_LIMIT, `not between 1 and ${MAX_LIMIT}`)
    .optional(),
  cursor: z.string().min(1).max(1_024).optional(),
});

export interface Page<T> {
  readonly items: readonly T[];
  /** Give it back as `cursor` for what follows; null: there is no more. */
  readonly next: string | null;
}

/** A list's answer, for OpenAPI. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

/**
 * Reads one page: `fetch` is asked for one more than wanted, which tells whether another page follows.
 * Cursors are opaque to callers, so that what is behind them may change.
 */
export async function readPage<Row, View>(
  query: unknown,
  fetch: (after: string | undefined, limit: number) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string,
  view: (row: Row) => View,
): Promise<Page<View>> {
  const { limit = DEFAULT_LIMIT, cursor } = parsed(pageQuery, query);
  const found = await fetch(cursor === undefined ? undefined : decode(cursor), limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const next = found.length > limit && last !== undefined ? encode(keyOf(last)) : null;
  return { items: rows.map(view), next };
}

/** A cursor that holds a whole number. @throws MeshError `bad-request` */
export function numberIn(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,15}$/.test(cursor)) throw BAD_CURSOR();
  return Number(cursor);
}

const encode = (key: string): string => Buffer.from(key).toString('base64url');

function decode(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString();
  // Buffer passes over what it does not know, and Postgres refuses NUL.
  if (encode(key) !== cursor || key.includes('\0')) throw BAD_CURSOR();
  return key;
}

const BAD_CURSOR = () => new MeshError('bad-request', 'cursor: not one that this list gave');

/** @throws MeshError `bad-request` naming every fault */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new MeshError('bad-request', faultsOf(result.error).join('; '));
}
