import { type ErrorCode, isMeshError } from '#contracts';

const FIRST_WAIT_MS = 50;
const MOST_WAIT_MS = 1_000;

/**
 * Does something again until the server has answered: after each break of the connection, and while a stream is full
 * where `worth` says so. What is done must bear being done twice.
 * @param limitMs then it is given up
 * @throws MeshError what is not worth another try, or the last fault when the time is up
 */
export async function untilCertain<T>(
  act: () => Promise<T>,
  limitMs: number,
  worth: readonly ErrorCode[] = ['not-connected'],
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
