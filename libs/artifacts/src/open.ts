import { ArtifactStore } from './artifact-store.js';
import type { Blobs } from './blobs.js';
import { FileBlobs } from './file-blobs.js';
import { ImportSource } from './import-source.js';
import { type Location, locationText } from './location.js';
import type { ArtifactConfig, S3Config } from './settings.js';

/** The NATS object store of this name, from who has a connection to NATS. */
export type ObjectStoreOf = (bucket: string) => Blobs;

/** The store behind `MESH_ARTIFACTS_URL`. Nothing is reached yet, so nothing can fail. */
export async function openArtifactStore(
  config: ArtifactConfig,
  objectStore: ObjectStoreOf,
): Promise<ArtifactStore> {
  const { artifactsUrl } = config;
  return new ArtifactStore(
    artifactsUrl.kind === 'nats' ? objectStore(artifactsUrl.bucket) : await openBlobs(artifactsUrl, config),
  );
}

/** A place to import from. Nothing is reached yet. */
export async function openImportSource(
  location: Exclude<Location, { kind: 'nats' }>,
  config: S3Config,
): Promise<ImportSource> {
  return new ImportSource(locationText(location), await openBlobs(location, config));
}

async function openBlobs(location: Exclude<Location, { kind: 'nats' }>, config: S3Config): Promise<Blobs> {
  switch (location.kind) {
    case 'file':
      return new FileBlobs(location.folder);
    case 's3': {
      // The SDK is loaded where S3 is used: it takes 60 ms and 35 MB.
      const [{ S3Blobs }, { createS3Client }] = await Promise.all([
        import('./s3-blobs.js'),
        import('./s3-client.js'),
      ]);
      return new S3Blobs(createS3Client(config), location.bucket, location.prefix);
    }
  }
}
