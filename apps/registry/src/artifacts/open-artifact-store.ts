import type { ArtifactStore } from './artifact-store.js';
import { FileArtifactStore } from './file-artifact-store.js';

/** The store behind `MESH_ARTIFACTS_URL`; the configuration lets no other kind through. */
export function openArtifactStore(url: URL): ArtifactStore {
  switch (url.protocol) {
    case 'file:':
      return new FileArtifactStore(url);
    default:
      throw new Error(`there is no artifact store for ${url.protocol}`);
  }
}
