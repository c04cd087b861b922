import { type ControlPath, callSubject, type Route } from '#contracts';
import type { DiscoveredService, Endpoint, RouteTable } from '#fabric';
import { Counters } from './counters.js';

/** What `nats micro ls` and `nats micro info` show of an executor: one endpoint for each handler that it serves. */
export function describeExecutor(
  id: string,
  routes: RouteTable,
  counters: ReadonlyMap<ControlPath, Counters>,
): DiscoveredService {
  return {
    name: 'mesh-executor',
    id,
    // Of the service's interface, not of a handler: those are in the metadata.
    version: '1.0.0',
    description: 'Runs handlers of the mesh.',
    started: new Date().toISOString(),
    *endpoints() {
      for (const route of routes.all()) {
        const stats = counters.get(route.path);
        if (stats) yield endpointOf(route, stats);
      }
    },
  };
}

function endpointOf({ path, revision, versions, aliases }: Route, stats: Counters): Endpoint {
  return {
    // An endpoint's name may hold no "/".
    name: path.replaceAll('/', '_'),
    subject: callSubject(path),
    metadata: {
      path,
      version: versions.map(({ version }) => version).join(','),
      revision: String(revision),
      ...(Object.keys(aliases).length > 0 ? { aliases: JSON.stringify(aliases) } : {}),
    },
    stats,
  };
}
