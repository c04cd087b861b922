import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isMeshError } from '#contracts';
import { type AllowedTargets, type Resolve, refused } from './allowed-targets.js';

const RESOLVE_LIMIT_MS = 5_000;

/** As the system resolves names: all addresses, not only the first. @throws Error when none is known in time */
export const resolveHost: Resolve = async (host) => {
  const limit = new AbortController();
  const late = delay(RESOLVE_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`${host} was not resolved in ${RESOLVE_LIMIT_MS} ms`);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true, verbatim: true }), late]);
    return found.map(({ address }) => address);
  } finally {
    limit.abort();
  }
};

/** A URL that may be called, at these addresses and no others. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
}

/**
 * @throws MeshError `bad-request` where results may not go
 * @throws Error where the name cannot be resolved now
 */
export async function targetOf(text: string, allowed: AllowedTargets, resolve: Resolve): Promise<Target> {
  const { url, address } = allowed.parse(text);
  if (address !== undefined) return { url, addresses: [address] };
  if (!allowed.mayResolve(url.hostname)) throw refused('names a host that is not allowed here');
  const addresses = await resolve(url.hostname);
  allowed.checkAddresses(url.hostname, addresses);
  return { url, addresses };
}

/**
 * Before work with a callback is accepted. A host that is allowed by its name need not be there yet.
 * @throws MeshError `bad-request`
 */
export async function checkTarget(text: string, allowed: AllowedTargets, resolve: Resolve): Promise<void> {
  try {
    await targetOf(text, allowed, resolve);
  } catch (error) {
    if (isMeshError(error)) throw error;
    if (!allowed.hasHost(new URL(text).hostname)) throw refused('names a host that cannot be resolved');
  }
}
