/**
 * The reading half of this library: digest and unpack. An entry of its own (`#packer/artifact`), so that a service
 * that only reads artifacts does not load the bundler.
 */
export { contentDigestOf, digestOf } from './digest.js';
export { type Unpacked, type UnpackLimits, unpack } from './unpack.js';
