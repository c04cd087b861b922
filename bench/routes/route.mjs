/** The route of the i-th of many handlers: as the registry writes one for a version without triggers. */
export function routeOf(i, digest = `sha256:${'0'.repeat(64)}`) {
  const version = {
    version: '1.0.0',
    runtime: 'node',
    entry: 'handler.mjs',
    triggers: [],
    limits: {},
    env: [],
    meta: {},
    digest,
    weight: 100,
  };
  return {
    path: `team-${i % 100}/area-${i % 10}/handler-${i}`,
    revision: 1,
    versions: [version],
    aliases: {},
  };
}
