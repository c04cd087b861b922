import { type ControlPath, type Manifest, MeshError, RESERVED_FIRST_SEGMENTS } from '#contracts';
import type { HttpClaim } from '../catalogue/values.js';
import { cronSchedule } from '../work/cron.js';

/** What this mesh offers to handlers. */
export interface Offer {
  /** Environment names that the operator lets handlers see (`MESH_HANDLER_ENV`). */
  readonly environment: readonly string[];
}

/** A route travels in one NATS message and stands in every service's memory. */
const MAX_MANIFEST_BYTES = 128 * 1024;

/**
 * What a well-formed manifest must still meet to be published here, under this path.
 * @throws MeshError `bad-artifact` with the reason and what to do
 */
export function admit(
  manifest: Manifest,
  path: ControlPath,
  claims: readonly HttpClaim[],
  offer: Offer,
): void {
  // Throws what the server would say only later, when nobody who could mend it looks.
  for (const trigger of manifest.triggers)
    if ('cron' in trigger) cronSchedule(trigger.cron, trigger.timezone);
  const fault =
    pathFault(manifest, path) ??
    sizeFault(manifest) ??
    environmentFault(manifest, offer) ??
    claimFault(claims);
  if (fault) throw new MeshError('bad-artifact', fault);
}

function pathFault(manifest: Manifest, path: ControlPath): string | undefined {
  if (manifest.path === path) return undefined;
  return `The manifest names the path ${manifest.path}, the request ${path}.`;
}

function sizeFault(manifest: Manifest): string | undefined {
  const size = Buffer.byteLength(JSON.stringify(manifest));
  if (size <= MAX_MANIFEST_BYTES) return undefined;
  return `The manifest has ${size} bytes, ${MAX_MANIFEST_BYTES} at most.`;
}

function environmentFault({ env }: Manifest, { environment }: Offer): string | undefined {
  const refused = env.filter((name) => !environment.includes(name));
  if (refused.length === 0) return undefined;
  return `The operator does not offer ${refused.join(', ')} to handlers. Ask for it in MESH_HANDLER_ENV, or leave it out of the manifest.`;
}

/** The mesh's own pages stand before any handler: such a trigger would never be reached. */
function claimFault(claims: readonly HttpClaim[]): string | undefined {
  const reserved = claims.find(({ pattern }) => RESERVED_FIRST_SEGMENTS.has(pattern.split('/')[1] ?? ''));
  return (
    reserved && `The HTTP path ${reserved.pattern} is kept for the mesh itself; choose another first segment.`
  );
}
