import type { ArtifactStore } from '#artifacts';
import { asMeshError, type ControlPath } from '#contracts';
import { digestOf, unpack } from '#packer/artifact';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Actor, Expected, Publication, Published } from '../catalogue/values.js';
import type { RouteWriter } from '../routes/route-writer.js';
import { admit, type Offer } from './admission.js';
import { checkContentDigest } from './content-digest.js';
import { httpClaims } from './http-claims.js';

/** What arrives at the door. */
export interface Delivery {
  readonly path: ControlPath;
  readonly artifact: Uint8Array;
  /** RFC 9530, if stated. */
  readonly contentDigest: string | undefined;
  /** Who publishes, for the audit. */
  readonly by: Actor;
  /** False: recorded, and the route stays as it is. Absent: true. */
  readonly live?: boolean;
  /** Which revision of the route it is meant for. Absent: any. */
  readonly expected?: Expected;
}

/**
 * The one door: nothing runs in the mesh that did not come through here. The order matters: the bytes are safe
 * before the catalogue knows of them, and the catalogue before any executor. Stopped at any point, the same
 * delivery again completes it.
 */
export class Door {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly artifacts: ArtifactStore,
    private readonly routes: RouteWriter,
    private readonly offer: Offer,
  ) {}

  /**
   * @throws MeshError `digest-mismatch`, `bad-artifact`, `conflict`, `revision-mismatch`, `catalogue-unavailable`,
   *   `store-unavailable`, or `not-connected` when the route could not be written yet
   */
  async publish(delivery: Delivery): Promise<Published> {
    const { path, artifact, contentDigest, by, live = true, expected } = delivery;
    checkContentDigest(contentDigest, artifact);
    const { manifest } = await unpack(artifact);
    admit(manifest, path, httpClaims(manifest), this.offer);
    this.routes.assertWritable();
    const digest = digestOf(artifact);
    await this.artifacts.put(digest, artifact);
    const published = await this.#record({ manifest, digest, size: artifact.length, live, by, expected });
    // It may have been taken for an orphan just before it was recorded; from here on it is not.
    if (!(await this.artifacts.has(digest))) await this.artifacts.put(digest, artifact);
    await this.routes.flush();
    return published;
  }

  /** What the catalogue refuses leaves no artifact behind. */
  async #record(publication: Publication): Promise<Published> {
    try {
      return await this.catalogue.publish(publication);
    } catch (error) {
      // While the catalogue is away nobody knows whether it was recorded; the sweep will.
      if (asMeshError(error).status < 500) await this.#discard(publication.digest);
      throw error;
    }
  }

  /** Unless a version names it. What fails here is left to the sweep. */
  async #discard(digest: string): Promise<void> {
    const remove = async ([unnamed]: readonly string[]) => {
      if (unnamed !== undefined) await this.artifacts.remove(unnamed);
    };
    await this.catalogue.artifacts.whileUnnamed([digest], remove).catch(() => undefined);
  }
}
