import { z } from 'zod';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** Levels of arrays and objects: a bound, because whoever walks it by recursion has only one stack. */
const MAX_DEPTH = 64;

/** Any JSON. zod's own `z.json()` has no bound, and overflows the stack on what a caller nested 10,000 deep. */
export const jsonValue = z
  .unknown()
  .refine((value) => isJson(value, MAX_DEPTH), `must be JSON, nested at most ${MAX_DEPTH} deep`)
  // Without a value there is no JSON: `unknown` alone would make the key optional.
  .nonoptional() as unknown as z.ZodType<JsonValue>;

function isJson(value: unknown, levels: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, levels - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((item) => isJson(item, levels - 1));
}
