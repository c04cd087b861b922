/** After a day without success it is given up. */
export const GIVE_UP_MS = 86_400_000;
const FIRST_WAIT_MS = 1_000;
/** Whoever comes back after a long absence gets its results within this time. */
const MOST_WAIT_MS = 30 * 60_000;
/** Another `Retry-After` is not believed. */
const MOST_RETRY_AFTER_S = 3_600;

/**
 * How long to wait after an attempt failed, ms, doubled each time and shortened by up to a half, so that many do not
 * come at once; `undefined`: give up.
 * @param attempts that were made
 * @param age since the result was there, ms
 * @param draw a number in [0, 1)
 */
export function waitAfter(
  attempts: number,
  age: number,
  retryAfter: string | undefined,
  draw: number,
): number | undefined {
  const asked = secondsOf(retryAfter) * 1_000;
  const own = Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 20), MOST_WAIT_MS) * (1 - draw / 2);
  const wait = Math.max(own, asked);
  return age + wait > GIVE_UP_MS ? undefined : wait;
}

/** Only seconds: a date depends on two clocks. */
const secondsOf = (text: string | undefined): number =>
  /^\d{1,6}$/.test(text ?? '') ? Math.min(Number(text), MOST_RETRY_AFTER_S) : 0;

/** What a status says of another try: 410 is the one that says never (RFC 9110, clause 15.5.11). */
export function verdictOf(status: number): 'sent' | 'again' | 'never' {
  if (status >= 200 && status < 300) return 'sent';
  return status === 410 ? 'never' : 'again';
}
