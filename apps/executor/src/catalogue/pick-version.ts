import { hash } from 'node:crypto';
import { type EventRouting, type LiveVersion, MeshError, type Route } from '#contracts';

/**
 * The version that answers a call: the one asked for by number or alias, else one by weight; the same one for the
 * same sticky key, on every executor.
 * @param draw a number in [0, 1)
 * @throws MeshError `no-version`
 */
export function pickVersion(
  route: Route,
  { version, sticky }: Pick<EventRouting, 'version' | 'sticky'>,
  draw: () => number,
): LiveVersion {
  if (version !== undefined) return named(route, version);
  const [only] = route.versions;
  if (only && route.versions.length === 1) return only;
  return byWeight(route.versions, sticky === undefined ? draw() : shareOf(route.path, sticky));
}

/** A key's place in [0, 1). The path is part of it, so that the same few keys do not try every canary. */
function shareOf(path: string, key: string): number {
  return hash('sha256', `${path}\0${key}`, 'buffer').readUInt32BE(0) / 2 ** 32;
}

function named({ versions, aliases, path }: Route, wanted: string): LiveVersion {
  const number = Object.hasOwn(aliases, wanted) ? aliases[wanted] : wanted;
  const found = versions.find(({ version }) => version === number);
  if (found) return found;
  throw new MeshError(
    'no-version',
    `Live versions of ${path}: ${versions.map(({ version }) => version).join(', ')}.`,
  );
}

function byWeight(versions: readonly LiveVersion[], draw: number): LiveVersion {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  let left = draw * total;
  for (const version of versions) {
    left -= version.weight;
    if (left < 0) return version;
  }
  // Rounding: never one that only an alias holds.
  return (versions.findLast(({ weight }) => weight > 0) ?? versions[0]) as LiveVersion;
}
