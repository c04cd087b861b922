/**
 * From a folder with a handler to an artifact in the registry, and back.
 *
 *   pack        folder → artifact: entry, bundle (source-map, addons), assets, read-module, make-manifest (commit),
 *               archive, size
 *   provided    the same for a program in any language: the folder as it is, and what of it is started (executable)
 *   publish     artifact → registry, through its one door
 *   unpack      artifact → manifest and files, whatever the bytes are; used by registry and executor
 *   digest      bytes → `sha256:…`
 *   lambda-zip  artifact → zip for AWS Lambda
 *   artifact    the entry for services that read artifacts: digest and unpack alone
 *
 * An artifact is a gzip'd tar of `manifest.json`, `handler.mjs`, `handler.mjs.map`, and what native add-ons and assets the
 * handler has: the same bytes for the same sources, in whatever folder they lie.
 */
export * from './artifact.js';
export { type LambdaParts, lambdaZip } from './lambda-zip.js';
export {
  artifactFile,
  type Packed,
  type PackOptions,
  type PlainModule,
  pack,
  packAll,
  packModule,
} from './pack.js';
export { PackError, type PackErrorCode } from './pack-error.js';
export { ARTIFACT_TYPE, type PackedArtifact, PublishError, type PublishRequest, publish } from './publish.js';
export { sizeText } from './size.js';
