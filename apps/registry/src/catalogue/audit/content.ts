/**
 * SQL for what an audit entry says, as the text that is hashed: all its columns but the hash, as `jsonb` writes them
 * (keys in a fixed order, one spelling for each value), without those that are NULL. So a column that a later version
 * adds changes no old hash, as long as it is NULL there. Times are in the session's zone: set it to UTC.
 * @param row SQL name of the row
 */
export const contentOf = (row: string): string =>
  `(SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(${row}) - 'hash') WHERE value <> 'null')::text`;
