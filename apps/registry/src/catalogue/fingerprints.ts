import { createHmac } from 'node:crypto';
import type { EntityManager } from 'typeorm';

/**
 * What stands for secret values where they must not be shown: equal for equal values, and no help in guessing one
 * without the catalogue's own key.
 * @returns `hmac-sha256:<hex>` by name
 */
export async function fingerprints(
  manager: EntityManager,
  values: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const entries = Object.entries(values);
  if (entries.length === 0) return {};
  const [row]: { key: Buffer }[] = await manager.query('SELECT key FROM catalogue_key');
  if (!row) throw new Error('the catalogue has no key of its own');
  return Object.fromEntries(entries.map(([name, value]) => [name, fingerprint(row.key, name, value)]));
}

const fingerprint = (key: Buffer, name: string, value: string): string =>
  `hmac-sha256:${createHmac('sha256', key).update(`${name}\0${value}`).digest('hex')}`;
