/**
 * Where artifacts lie, and where other pipelines drop them.
 *
 *   blobs           port: named bytes, whatever holds them
 *   file-blobs      a folder                                  `file:///…`
 *   s3-blobs        a bucket of S3 or of what speaks like it   `s3://bucket/prefix`
 *                   (the NATS object store is the fabric's adapter `nats://bucket`)
 *   artifact-store  artifacts by digest, over any of them
 *   import-source   `*.tgz` that others put there, over a folder or S3
 *   location        the three forms of URL ⇄ where that is
 *   open, settings  from configuration to a store
 */
export * from './artifact-store.js';
export type { Blob, Blobs } from './blobs.js';
export { FileBlobs } from './file-blobs.js';
export * from './import-source.js';
export { type Location, location, locationText, parseLocation } from './location.js';
export * from './open.js';
export * from './settings.js';
