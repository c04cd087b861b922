/** SQS takes no longer visibility, seconds; from the receive on, whatever it is extended by. */
export const MAX_VISIBILITY = 43_200;
/** When what is given back may be received again. Not 0: the emulator of the embedded mesh, fauxqs 2.4.1, loses it then. */
export const GIVE_BACK_SECONDS = 1;

export interface BackOff {
  /** Longest wait after the first receive, seconds; doubled with each one. */
  readonly first: number;
  /** Never longer than that, seconds. */
  readonly most: number;
}

/**
 * After how many seconds a message that failed is delivered again: a random time in the upper half of what its
 * receive count gives, so that messages which failed together do not come together again.
 * @param retryAfter what the handler asked for, seconds: never sooner
 */
export function backOffSeconds(
  receives: number,
  { first, most }: BackOff,
  retryAfter = 0,
  random: () => number = Math.random,
): number {
  const longest = Math.min(most, first * 2 ** Math.min(receives - 1, 20));
  const seconds = Math.round(longest * (0.5 + random() / 2));
  return Math.min(MAX_VISIBILITY, Math.max(GIVE_BACK_SECONDS, seconds, Math.ceil(retryAfter)));
}

/** RFC 9110, clause 10.2.3: seconds, or a date. `undefined` for anything else. */
export function readRetryAfter(value: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = [value].flat()[0]?.trim();
  if (!text) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}
