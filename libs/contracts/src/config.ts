import { z } from 'zod';

/**
 * One environment variable: its name, what it may hold, and what to tell whoever got it wrong.
 * docs/config.md is held against these by a test.
 */
export interface Setting<T> {
  readonly variable: string;
  /** From the variable's text to its value. */
  readonly schema: z.ZodType<T, string>;
  /** As text, the way one would set it; absent: the variable is required unless `optional`. */
  readonly fallback?: string;
  readonly optional?: boolean;
  readonly description: string;
  /** What a right value looks like; shown with every fault. */
  readonly remedy: string;
  /** Never shown in a message. */
  readonly secret?: boolean;
}

export type Settings = Record<string, Setting<unknown>>;
type ValueOf<S> = S extends { schema: z.ZodType<infer T>; optional: true }
  ? T | undefined
  : S extends { schema: z.ZodType<infer T> }
    ? T
    : never;
type OptionalKey<S extends Settings> = {
  [K in keyof S]: S[K] extends { optional: true } ? K : never;
}[keyof S];
export type Config<S extends Settings> = {
  readonly [K in Exclude<keyof S, OptionalKey<S>>]: ValueOf<S[K]>;
} & { readonly [K in OptionalKey<S>]?: ValueOf<S[K]> };

/** Keeps the literal type of one setting, so that {@link Config} knows whether it may be absent. */
export const setting = <const S extends Setting<unknown>>(definition: S): S => definition;

/** Every faulty variable at once: an operator should need one restart, not five. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly service: string,
    readonly faults: readonly string[],
  ) {
    super(`${service} cannot start with this configuration:\n${faults.map((f) => `  ${f}`).join('\n')}`);
  }
}

/**
 * Reads settings from an environment into one frozen value. An empty variable counts as not set.
 * @throws ConfigError naming every faulty variable and its remedy
 */
export function readConfig<S extends Settings>(
  service: string,
  settings: S,
  environment: Readonly<Record<string, string | undefined>>,
): Config<S> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [key, definition] of Object.entries(settings)) {
    const text = environment[definition.variable] || definition.fallback;
    if (text === undefined) {
      if (!definition.optional)
        faults.push(`${definition.variable} is not set. Remedy: ${definition.remedy}`);
      continue;
    }
    const parsed = definition.schema.safeParse(text);
    if (parsed.success) values[key] = parsed.data;
    else faults.push(faultOf(definition, text, parsed.error));
  }
  if (faults.length > 0) throw new ConfigError(service, faults);
  return Object.freeze(values) as Config<S>;
}

function faultOf({ variable, secret, remedy }: Setting<unknown>, text: string, error: z.ZodError): string {
  const shown = secret ? 'its value' : JSON.stringify(text.slice(0, 100));
  return `${variable}: ${shown} is not usable: ${error.issues[0]?.message}. Remedy: ${remedy}`;
}

/** Schemas from a variable's text. */
export const text = {
  string: () => z.string(),
  port: () =>
    z
      .string()
      .regex(/^\d{1,5}$/, 'not a port')
      .transform(Number)
      .refine((n) => n <= 65_535, 'above 65535'),
  integer: (min: number, max: number) =>
    z
      .string()
      .regex(/^\d{1,12}$/, 'not a whole number')
      .transform(Number)
      .refine((n) => n >= min && n <= max, `not between ${min} and ${max}`),
  url: (...protocols: string[]) =>
    z
      .string()
      .refine((u) => URL.canParse(u), 'not a URL')
      .refine(
        (u) => !URL.canParse(u) || protocols.includes(new URL(u).protocol),
        `not one of ${protocols.join(' ')}`,
      ),
  list: () =>
    z.string().transform((s) =>
      s
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  choice: <const T extends readonly [string, ...string[]]>(...options: T) =>
    z.enum(options) as unknown as z.ZodType<T[number], string>,
};
