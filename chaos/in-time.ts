/**
 * Resolves as `work` does, if that is soon enough.
 * @param fault what it rejects with after `ms`; the work goes on, and what becomes of it then is nobody's matter
 */
export async function inTime<T>(work: Promise<T>, ms: number, fault: () => Error): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(fault()), ms);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
