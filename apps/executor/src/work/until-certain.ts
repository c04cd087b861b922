import { type ErrorCode, isMeshError } from '#contracts';

const FIRST_WAIT_MS = 50;
const MOST_WAIT_MS = 1_000;

/** The server is not there, or does not answer. */
export const AWAY: readonly ErrorCode[] = ['not-connected', 'deadline-exceeded'];

export const isAway = (error: unknown): boolean => isMeshError(error) && AWAY.includes(error.code);

/**
 * Does something again until the server has answered; what is done must bear being done twice.
 * @param limitMs then it is given up
 * @param worth codes of what passes
 * @throws MeshError what is not worth another try, or the last fault when the time is up
 */
export async function untilCertain<T>(
  act: () => Promise<T>,
  limitMs: number,
  worth: readonly ErrorCode[] = AWAY,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, MOST_WAIT_MS)) {
    try {
      return await act();
    } catch (error) {
      if (!isMeshError(error) || !worth.includes(error.code) || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
    }
  }
}
