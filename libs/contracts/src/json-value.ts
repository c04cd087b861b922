import { z } from 'zod';
import { isJsonValue, type JsonValue, MAX_DEPTH } from './json.js';

/** Any JSON. zod's own `z.json()` has no bound, and overflows the stack on what a caller nested 10,000 deep. */
export const jsonValue = z
  .unknown()
  .refine(isJsonValue, `must be JSON, nested at most ${MAX_DEPTH} deep`)
  // Without a value there is no JSON: `unknown` alone would make the key optional.
  .nonoptional() as unknown as z.ZodType<JsonValue>;
