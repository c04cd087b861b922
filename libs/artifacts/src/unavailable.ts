import { isMeshError, MeshError } from '#contracts';

/** Runs one step against a store; what goes wrong there is `store-unavailable`, with the cause for the log. */
export async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw isMeshError(cause) ? cause : new MeshError('store-unavailable', undefined, { cause });
  }
}

/** Like {@link reaching}, where the store's answer may be that there is nothing by this name. */
export function reachingMaybe<T>(
  work: () => Promise<T>,
  isAbsent: (error: unknown) => boolean,
): Promise<T | undefined> {
  return reaching(async () => {
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  });
}
