/*
 * How large an artifact may be. The registry and every executor hold one in memory while they read it, so the
 * bounds are what a small machine can spare. The first is the registry's own default (MESH_MAX_ARTIFACT_BYTES).
 */

/** Bytes as they are sent: 64 MiB. */
export const MAX_PACKED_BYTES = 64 * 1024 * 1024;
/** Bytes after inflating, all files and the archive's own together: 128 MiB. */
export const MAX_UNPACKED_BYTES = 128 * 1024 * 1024;
/** A release of Elixir with an Erlang of its own has some two thousand. */
export const MAX_FILES = 4096;
