import { ArtifactStore } from './artifact-store.js';
import type { Blobs } from './blobs.js';
import { FileBlobs } from './file-blobs.js';
import { ImportSource } from './import-source.js';
import { type Location, locationText } from './location.js';
import { S3Blobs } from './s3-blobs.js';
import { createS3Client } from './s3-client.js';
import type { ArtifactConfig, S3Config } from './settings.js';

/** The NATS object store of this name, from who has a connection to NATS. */
export type ObjectStoreOf = (bucket: string) => Blobs;

/** The store behind `MESH_ARTIFACTS_URL`. Nothing is reached yet, so nothing can fail. */
export function openArtifactStore(config: ArtifactConfig, objectStore: ObjectStoreOf): ArtifactStore {
  const { artifactsUrl } = config;
  return new ArtifactStore(
    artifactsUrl.kind === 'nats' ? objectStore(artifactsUrl.bucket) : openBlobs(artifactsUrl, config),
  );
}

/** A place to import from. Nothing is reached yet. */
export function openImportSource(
  location: Exclude<Location, { kind: 'nats' }>,
  config: S3Config,
): ImportSource {
  return new ImportSource(locationText(location), openBlobs(location, config));
}

function openBlobs(location: Exclude<Location, { kind: 'nats' }>, config: S3Config): Blobs {
  switch (location.kind) {
    case 'file':
      return new FileBlobs(location.folder);
    case 's3':
      return new S3Blobs(createS3Client(config), location.bucket, location.prefix);
  }
}
