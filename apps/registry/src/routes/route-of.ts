import { type Route, route as routeSchema } from '#contracts';
import type { HandlerRecord, LiveRecord } from '../catalogue/values.js';

/** What ingress and executor need to know of a handler, and no more: it stands in the memory of each. */
export function routeOf({ path, revision, live }: HandlerRecord): Route {
  return routeSchema.parse({ path, revision, versions: live.map(liveVersion) });
}

/** The path stands once in the route, and descriptions are for people, who ask the registry. */
function liveVersion({ manifest, digest, weight }: LiveRecord) {
  const { path, description, ...rest } = manifest;
  return { ...rest, digest, weight };
}
