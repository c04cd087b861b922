import { type Config, setting, text } from '#contracts';
import { STREAM_DEFAULTS, type StreamOptions } from '#fabric';
import { poolList } from './pools.js';
import type { WorkSettings } from './work-keeper.js';

/* What the operator says of the streams of work, and of who takes it. */

/** Bytes: below, a single message may not fit; above, no disk. */
const bytes = () => text.integer(1_048_576, 999_999_999_999);
const BYTES_REMEDY = 'a whole number of bytes from 1048576, such as 2147483648';
const DAY_S = 86_400;

export const workSettings = {
  workPools: setting({
    variable: 'MESH_WORK_POOLS',
    schema: poolList,
    fallback: ';',
    description:
      'Pools of executors beside `default`, and the paths whose work each takes: `name=patterns;…`. An executor is told its pool by MESH_WORK_POOL. A path belongs to the first pool that names it, else to the default one.',
    remedy: 'a list such as heavy=video/**,reports/*;gpu=ml/**',
  }),
  workMaxBytes: setting({
    variable: 'MESH_WORK_MAX_BYTES',
    schema: bytes(),
    fallback: String(STREAM_DEFAULTS.workMaxBytes),
    description:
      'Bytes of accepted work that may wait. When it is full, new work is refused with 503 `queue-full`; what was accepted stays.',
    remedy: BYTES_REMEDY,
  }),
  workMaxPerPath: setting({
    variable: 'MESH_WORK_MAX_PER_PATH',
    schema: text.integer(1, 999_999_999),
    fallback: String(STREAM_DEFAULTS.workMaxPerPath),
    description: 'Events that may wait for one path, so that it cannot take the room of the others.',
    remedy: 'a whole number such as 100000',
  }),
  deadMaxBytes: setting({
    variable: 'MESH_DEAD_MAX_BYTES',
    schema: bytes(),
    fallback: String(STREAM_DEFAULTS.deadMaxBytes),
    description:
      'Bytes of dead letters. When it is full, what should become one stays where it is and is tried again; see `mesh dead`.',
    remedy: BYTES_REMEDY,
  }),
  callbacksMaxBytes: setting({
    variable: 'MESH_CALLBACKS_MAX_BYTES',
    schema: bytes(),
    fallback: String(STREAM_DEFAULTS.callbacksMaxBytes),
    description: 'Bytes of results that wait to be sent to a callback. When it is full, their work waits.',
    remedy: BYTES_REMEDY,
  }),
  resultsMaxBytes: setting({
    variable: 'MESH_RESULTS_MAX_BYTES',
    schema: bytes(),
    fallback: String(STREAM_DEFAULTS.resultsMaxBytes),
    description:
      'Bytes of kept results of asynchronous calls. When it is full, new ones are refused with 503 `queue-full`.',
    remedy: BYTES_REMEDY,
  }),
  resultsTtl: setting({
    variable: 'MESH_RESULTS_TTL',
    schema: text.integer(1, 30 * DAY_S),
    fallback: String(STREAM_DEFAULTS.resultsTtlMs / 1_000),
    description: 'How long the result of an asynchronous call is kept, in seconds.',
    remedy: `a whole number of seconds up to ${30 * DAY_S}, such as 86400`,
  }),
};

export function workSettingsOf(config: Config<typeof workSettings>): WorkSettings {
  const { workPools, workMaxBytes, workMaxPerPath, deadMaxBytes, callbacksMaxBytes, resultsMaxBytes } =
    config;
  const streams: StreamOptions = {
    workMaxBytes,
    workMaxPerPath,
    deadMaxBytes,
    callbacksMaxBytes,
    resultsMaxBytes,
    resultsTtlMs: config.resultsTtl * 1_000,
  };
  return { pools: workPools, streams };
}
