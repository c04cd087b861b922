import { parse } from 'semver';

/**
 * A version of its own for each save: after the last published one, before the one that it will be published as.
 * `1.2.0` becomes `1.2.0-dev.1763762540000`, `1.2.0-rc.1` becomes `1.2.0-rc.1.dev.1763762540000`.
 */
export function developmentVersion(stated: string, now: number): string {
  const parsed = parse(stated);
  // What is no version is refused where the manifest is checked.
  if (!parsed) return stated;
  const { major, minor, patch, prerelease } = parsed;
  return `${major}.${minor}.${patch}-${[...prerelease, 'dev', now].join('.')}`;
}
