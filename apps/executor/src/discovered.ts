import { type ControlPath, callSubject, isControlPath, type Route } from '#contracts';
import type { DiscoveredService, Endpoint, RouteTable } from '#fabric';
import { Counters } from './counters.js';

/**
 * What `nats micro ls` and `nats micro info` show of an executor: one endpoint for each handler that it serves.
 * @param serves whether this executor runs a path, once there is a route to it
 */
export function describeExecutor(
  id: string,
  routes: RouteTable,
  counters: ReadonlyMap<ControlPath, Counters>,
  serves: (path: ControlPath) => boolean = () => false,
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
    endpointOf(path) {
      if (!isControlPath(path)) return undefined;
      const [route, stats] = [routes.get(path), counters.get(path)];
      if (route && stats) return endpointOf(route, stats);
      return serves(path) ? awaited(path) : undefined;
    },
  };
}

/** A path whose route has not arrived: whoever publishes it waits for us. */
const awaited = (path: ControlPath): Endpoint => ({
  name: nameOf(path),
  subject: callSubject(path),
  metadata: { path, revision: '0' },
  stats: new Counters(),
});

/** An endpoint's name may hold no "/". */
const nameOf = (path: ControlPath): string => path.replaceAll('/', '_');

function endpointOf({ path, revision, versions, aliases }: Route, stats: Counters): Endpoint {
  return {
    name: nameOf(path),
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
