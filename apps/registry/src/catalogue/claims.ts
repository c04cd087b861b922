import type { EntityManager } from 'typeorm';
import { type ControlPath, type Manifest, MeshError } from '#contracts';
import { httpClaims } from '../publish/http-claims.js';
import { HttpClaimRow } from './entities.js';
import { type HttpClaim, overlaps } from './values.js';

/**
 * From now on this handler answers what this manifest asks for over HTTP, and nothing else.
 * @param manifest of the heaviest live version, whose triggers are the route's; none: it answers nothing
 * @throws MeshError `conflict` when another handler answers the same method and pattern
 */
export async function claimFor(
  manager: EntityManager,
  path: ControlPath,
  manifest: Manifest | undefined,
): Promise<void> {
  const claims = manifest ? httpClaims(manifest) : [];
  await refuseClaimed(manager, path, claims);
  await manager.delete(HttpClaimRow, { path });
  if (claims.length > 0)
    await manager.insert(
      HttpClaimRow,
      claims.map((claim) => ({ ...claim, path })),
    );
}

async function refuseClaimed(
  manager: EntityManager,
  path: ControlPath,
  claims: readonly HttpClaim[],
): Promise<void> {
  const others = await manager
    .createQueryBuilder(HttpClaimRow, 'claim')
    .where('claim.pattern IN (:...patterns)', { patterns: ['', ...claims.map((c) => c.pattern)] })
    .andWhere('claim.path <> :path', { path })
    .getMany();
  const taken = others.find((other) => claims.some((claim) => overlaps(claim, other)));
  if (taken)
    throw new MeshError('conflict', `The handler ${taken.path} already answers HTTP ${claimText(taken)}.`);
}

const claimText = ({ method, pattern }: HttpClaim): string =>
  `${method === '*' ? '(any method)' : method} ${pattern}`;
