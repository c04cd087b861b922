export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** Levels of arrays and objects: a bound, because whoever walks it by recursion has only one stack. */
export const MAX_DEPTH = 64;

/** Whether it is JSON of at most {@link MAX_DEPTH} levels. */
export const isJsonValue = (value: unknown): value is JsonValue => isJson(value, MAX_DEPTH);

function isJson(value: unknown, levels: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, levels - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((item) => isJson(item, levels - 1));
}
