import { type Limits, type Route, route as routeSchema } from '#contracts';
import type { HandlerRecord, LiveRecord } from '../catalogue/values.js';

/**
 * What ingress and executor need to know of a handler, and no more: it stands in the memory of each. A version that
 * an alias names is in it with weight 0, so that executors hold it. `undefined`: nothing is live.
 */
export function routeOf(handler: HandlerRecord): Route | undefined {
  const { path, revision, live, aliased, aliases, environment, limits } = handler;
  if (live.length === 0) return undefined;
  const versions = [...live, ...aliased].map((record) => liveVersion(record, environment, limits));
  const stated = Object.keys(limits).length > 0 ? { limits } : {};
  return routeSchema.parse({ path, revision, versions, aliases, ...stated });
}

/** The path stands once in the route, and what is for people is asked for at the registry. */
function liveVersion(
  { manifest, digest, weight }: LiveRecord,
  environment: Readonly<Record<string, string>>,
  limits: Limits,
) {
  const values = valuesFor(manifest.env, environment);
  return {
    ...manifest,
    // The operator's word goes before the author's, so that whoever asks for a limit need look here alone.
    limits: { ...manifest.limits, ...limits },
    digest,
    weight,
    ...(values ? { environment: values } : {}),
  };
}

/** Of the operator's values, those that the manifest asks for. */
function valuesFor(
  names: readonly string[],
  environment: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const asked = names.flatMap((name) => {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    return value === undefined ? [] : [[name, value] as const];
  });
  return asked.length === 0 ? undefined : Object.fromEntries(asked);
}
