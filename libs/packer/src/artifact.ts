/**
 * The reading half of this library: digest and unpack. An entry of its own (`#packer/artifact`), so that a service
 * that only reads artifacts does not load the bundler.
 */
export { contentDigestOf, digestOf } from './digest.js';
export { MAX_FILES, MAX_PACKED_BYTES, MAX_UNPACKED_BYTES } from './limits.js';
export { type Unpacked, type UnpackLimits, unpack } from './unpack.js';
export { writeFiles } from './write-files.js';
