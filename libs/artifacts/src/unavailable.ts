import { isMeshError, MeshError } from '#contracts';

/** Runs one step against a store; what goes wrong there is `store-unavailable`, with the cause for the log. */
export async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw isMeshError(cause) ? cause : new MeshError('store-unavailable', saidBy(cause), { cause });
  }
}

/** The error's own name, such as NoSuchBucket or ECONNREFUSED, which tells who set it up what to do, and nobody more. */
function saidBy(cause: unknown): string | undefined {
  const { code, name } = (cause ?? {}) as { code?: unknown; name?: unknown };
  const said = [code, name].find((text) => typeof text === 'string' && /^[A-Za-z_]{4,40}$/.test(text));
  return said === undefined || said === 'Error' ? undefined : `It says ${said}.`;
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
