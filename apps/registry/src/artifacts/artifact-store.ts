import { MeshError } from '#contracts';
import { FileArtifactStore } from './file-artifact-store.js';

/** Where artifacts are kept, by digest. The executor reads what is put here. */
export interface ArtifactStore {
  /**
   * Resolves when the bytes are safe. Storing the same again repairs a damaged copy.
   * @param digest `sha256:<hex>` of `bytes`
   */
  put(digest: string, bytes: Uint8Array): Promise<void>;
}

/** @throws MeshError `internal` for a kind of store that is not built yet: `s3:`, `nats:` */
export function openArtifactStore(url: URL): ArtifactStore {
  switch (url.protocol) {
    case 'file:':
      return new FileArtifactStore(url);
    default:
      throw new MeshError('internal', `There is no artifact store for ${url.protocol}`);
  }
}
