import { type LiveVersion, MeshError, type Route } from '#contracts';

/**
 * The version that answers a call: the one asked for by number or alias, else one by weight.
 * @param draw a number in [0, 1)
 * @throws MeshError `no-version`
 */
export function pickVersion(route: Route, wanted: string | undefined, draw: () => number): LiveVersion {
  if (wanted !== undefined) return named(route, wanted);
  const [only] = route.versions;
  if (only && route.versions.length === 1) return only;
  return byWeight(route.versions, draw());
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
  return versions.at(-1) as LiveVersion;
}
