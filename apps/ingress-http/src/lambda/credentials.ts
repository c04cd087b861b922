/** Access key id → secret. */
export type Credentials = ReadonlyMap<string, string>;

// AWS's own ids are 16–128 word characters; a secret may have `/`, `+` and `=`, and here no comma.
const PAIR = /^(\w{1,128}):([^\s,]{1,128})$/;

export const areCredentials = (pairs: readonly string[]): boolean =>
  pairs.length > 0 && pairs.every((pair) => PAIR.test(pair));

export const readCredentials = (pairs: readonly string[]): Credentials =>
  new Map(pairs.map((pair) => (PAIR.exec(pair) as unknown as string[]).slice(1) as [string, string]));
