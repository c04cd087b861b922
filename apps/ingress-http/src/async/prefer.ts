import { MeshError } from '#contracts';

/** What of RFC 7240 the mesh knows. */
export interface Preferences {
  /** Clause 4.1 */
  readonly respondAsync: boolean;
  /** Clause 4.3: seconds. */
  readonly wait?: number;
}

const MAX_LENGTH = 1_000;
// One preference up to the comma that ends it; a comma inside quotes ends nothing, and after a quote that is never
// closed nothing is read.
const PREFERENCE = /((?:[^,"]|"(?:[^"\\]|\\.)*")*)(?:,|$)/gy;
// Clause 2: `token BWS = BWS word`, and parameters after `;`.
const NAME_AND_VALUE = /^\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:=\s*"?([^";]*)"?\s*)?(?:;|$)/i;

/** Reads the header `Prefer`; preferences that are not known are passed over. @throws MeshError `bad-request` */
export function readPrefer(text: string): Preferences {
  if (text.length > MAX_LENGTH)
    throw new MeshError('bad-request', `The header Prefer has at most ${MAX_LENGTH} characters.`);
  let respondAsync = false;
  let wait: number | undefined;
  for (const [, one = ''] of text.matchAll(PREFERENCE)) {
    const [, name, value] = NAME_AND_VALUE.exec(one) ?? [];
    if (name?.toLowerCase() === 'respond-async') respondAsync = true;
    // Clause 2: of several with one name the first counts.
    if (name?.toLowerCase() === 'wait' && /^\d{1,9}$/.test(value?.trim() ?? '')) wait ??= Number(value);
  }
  return { respondAsync, ...(wait === undefined ? undefined : { wait }) };
}
