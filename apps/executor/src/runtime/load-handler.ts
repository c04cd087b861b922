import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MeshError } from '#contracts';
import { offerAwslambda, type ResolvedHandler, resolveHandler } from '#handler/runtime';

/** A module that does not settle within this time, ms, is taken for hanging. */
export const LOAD_LIMIT_MS = 10_000;

/**
 * Imports a handler's module and finds the handler in it.
 * @throws MeshError `load-failed`, `load-timeout`, `no-handler` or `path-mismatch`, saying what to do
 */
export async function loadHandler(
  folder: string,
  entry: string,
  exportName: string | undefined,
  path: string,
): Promise<ResolvedHandler> {
  const module = await within(importModule(join(folder, entry)));
  return resolveHandler(module, exportName, path);
}

async function importModule(file: string): Promise<object> {
  offerAwslambda();
  try {
    return (await import(pathToFileURL(file).href)) as object;
  } catch (cause) {
    throw new MeshError(
      'load-failed',
      "Its module threw while it was imported. Run the handler's own test, mend it and publish a new version; the executor's log has the error.",
      { cause },
    );
  }
}

async function within<T>(work: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(loadTimeout()), LOAD_LIMIT_MS);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export const loadTimeout = () =>
  new MeshError(
    'load-timeout',
    `Its module was not loaded after ${LOAD_LIMIT_MS / 1000} s. Move slow work from the top of the module into the handler.`,
  );
