import type { EventMeta, LiveVersion, Route } from '#contracts';

/** Always dropped from work: a stream keeps what a call only passes on. */
const SECRET = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * The event without headers that nobody should find in a stream, except those that a version asks for which may run it.
 * @param dropped names in lower case that the operator adds
 * @param wanted version or alias
 */
export function withoutSecrets(
  meta: EventMeta,
  route: Route,
  wanted: string | undefined,
  dropped: readonly string[],
): EventMeta {
  const { headers } = meta;
  if (!headers) return meta;
  const asked = new Set(candidates(route, wanted).flatMap(({ work }) => work?.headers ?? []));
  const secret = new Set([...SECRET, ...dropped].filter((name) => !asked.has(name)));
  const kept = Object.entries(headers).filter(([name]) => !secret.has(name));
  return { ...meta, headers: Object.fromEntries(kept) };
}

/** The versions that may run it: without a wish any live one. */
export function candidates({ versions, aliases }: Route, wanted: string | undefined): LiveVersion[] {
  if (wanted === undefined) return versions;
  const number = Object.hasOwn(aliases, wanted) ? aliases[wanted] : wanted;
  return versions.filter(({ version }) => version === number);
}
