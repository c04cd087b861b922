import { z } from 'zod';
import { artifactSettings } from '#artifacts';
import { type Config, DEFAULT_POOL, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { healthSettings } from '#lifecycle';

export const settings = {
  ...natsSettings,
  ...artifactSettings,
  handlers: setting({
    variable: 'MESH_HANDLERS',
    schema: text.list(),
    fallback: '**',
    description: 'Patterns of the control paths that this executor runs, separated by commas.',
    remedy: 'patterns such as users/**,orders/total',
  }),
  isolation: setting({
    variable: 'MESH_ISOLATION',
    schema: text.choice('thread', 'process', 'inline'),
    fallback: 'thread',
    description:
      'Where handlers run: `thread`, a worker thread for each version; `process`, a child process for each, with memory, files and environment of its own (docs/isolation.md); `inline`, in the executor itself (for handlers that are trusted not to block).',
    remedy: 'thread, process or inline',
  }),
  provided: setting({
    variable: 'MESH_PROVIDED',
    schema: text.choice('yes', 'no'),
    fallback: 'yes',
    description:
      'Whether handlers may be programs of their own (`runtime: provided`, docs/runtimes.md). They may do whatever the user of the executor may, whatever MESH_ISOLATION says; `no` refuses to start any.',
    remedy: 'yes or no',
  }),
  graceMs: setting({
    variable: 'MESH_GRACE',
    schema: text.integer(1, 60_000),
    fallback: '100',
    description:
      'Milliseconds that a run may take, after its deadline, to heed its signal. Then its worker is ended and replaced.',
    remedy: 'a whole number of milliseconds, such as 100',
  }),
  workerMemoryMb: setting({
    variable: 'MESH_WORKER_MEMORY',
    schema: text.integer(128, 1_000_000),
    fallback: '512',
    description:
      'MB of memory that a worker may have: the heap of JavaScript in a thread, all that it uses in a process. A manifest may ask for less (`limits.memoryMb`).',
    remedy: 'a whole number of MB, such as 512',
  }),
  workerCgroup: setting({
    variable: 'MESH_WORKER_CGROUP',
    schema: text.string(),
    optional: true,
    description:
      'Folder of cgroup v2, delegated to this user and with the memory controller, in which each child process gets a group of its own: then the kernel holds its memory limit (docs/isolation.md). Unset: memory is looked at ten times a second.',
    remedy: 'a folder such as /sys/fs/cgroup/lambda-mesh.slice/workers',
  }),
  workerScratchMb: setting({
    variable: 'MESH_WORKER_SCRATCH',
    schema: text.integer(0, 1_000_000),
    fallback: '64',
    description: 'MB that a process may keep in its scratch folder, the one place where it may write.',
    remedy: 'a whole number of MB, such as 64',
  }),
  workerIdle: setting({
    variable: 'MESH_WORKER_IDLE',
    schema: text.integer(0, 1_000_000),
    fallback: '600',
    description:
      'Seconds after which a worker that nobody calls is let go, but for those that are kept warm; the next call starts another. 0 keeps them all.',
    remedy: 'a whole number of seconds, such as 600',
  }),
  spareThreads: setting({
    variable: 'MESH_SPARE_THREADS',
    schema: text.integer(0, 64),
    fallback: '1',
    description:
      'Threads that are kept started ahead, so that the first answer of a version takes a third of the time; each takes some 11 MB. They are no workers of any handler, and there are none before a first handler was called or with another MESH_ISOLATION.',
    remedy: 'a whole number from 0 to 64',
  }),
  maxWorkers: setting({
    variable: 'MESH_MAX_WORKERS',
    schema: text.integer(1, 10_000),
    fallback: '64',
    description: 'Workers at once, of all handlers; beyond, those that have been idle longest are let go.',
    remedy: 'a whole number from 1 to 10000',
  }),
  handlerConcurrency: setting({
    variable: 'MESH_HANDLER_CONCURRENCY',
    schema: text.integer(1, 100_000),
    fallback: '1000',
    description:
      'Runs at once of one version of a handler, on this executor; a manifest may ask for less (`limits.concurrency`).',
    remedy: 'a whole number from 1 to 100000',
  }),
  handlerQueue: setting({
    variable: 'MESH_HANDLER_QUEUE',
    schema: text.integer(0, 100_000),
    fallback: '1000',
    description:
      'Calls that may wait behind those runs; who comes then gets 429. A manifest may ask for less (`limits.queue`). Work waits in its stream instead.',
    remedy: 'a whole number from 0 to 100000',
  }),
  handlerWorkers: setting({
    variable: 'MESH_HANDLER_WORKERS',
    schema: text.integer(1, 256),
    fallback: '4',
    description:
      'Workers that one version may have where its manifest asks for several (`limits.workers`); it has one where it asks for none.',
    remedy: 'a whole number from 1 to 256',
  }),
  handlerWarm: setting({
    variable: 'MESH_HANDLER_WARM',
    schema: text.integer(0, 256),
    fallback: '1',
    description:
      'Workers of one version that a manifest may have kept ready although nobody calls (`limits.warm`); 0 allows none.',
    remedy: 'a whole number from 0 to 256',
  }),
  handlerTimeout: setting({
    variable: 'MESH_HANDLER_TIMEOUT',
    schema: text.integer(1, 900_000),
    fallback: '900000',
    description:
      'Milliseconds that one attempt may take where a manifest asks for so many (`limits.timeoutMs`).',
    remedy: 'a whole number of milliseconds, such as 60000',
  }),
  handlerPayload: setting({
    variable: 'MESH_HANDLER_PAYLOAD',
    schema: text.integer(0, 999_999_999_999),
    fallback: '0',
    description:
      "Bytes of a request's body that any handler takes; a manifest may ask for less (`limits.payloadBytes`). 0: as many as the mesh carries.",
    remedy: 'a whole number of bytes, such as 1000000',
  }),
  handlerRate: setting({
    variable: 'MESH_HANDLER_RATE',
    schema: text.integer(0, 1_000_000),
    fallback: '0',
    description:
      'Runs of a handler that may begin in a second; a manifest may ask for less (`limits.ratePerSecond`). Who calls beyond that gets 429, work waits. 0: as many as come.',
    remedy: 'a whole number, such as 100',
  }),
  workSlots: setting({
    variable: 'MESH_WORK_SLOTS',
    schema: text.integer(1, 10_000),
    fallback: '256',
    description:
      'Events of work that run at once. No path gets more than its share of them: half where it is the only one that has work.',
    remedy: 'a whole number from 1 to 10000',
  }),
  workPool: setting({
    variable: 'MESH_WORK_POOL',
    schema: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'not the name of a pool'),
    fallback: DEFAULT_POOL,
    description: "The pool whose work this executor does: one of the registry's MESH_WORK_POOLS.",
    remedy: 'default, or a name such as heavy',
  }),
  cacheDir: setting({
    variable: 'MESH_CACHE_DIR',
    schema: text.string(),
    fallback: '.mesh/cache/executor',
    description:
      'Folder in which artifacts are kept, so that an executor starts while their store is away. Several executors of one machine may share it.',
    remedy: 'a folder that this user may write, such as /var/cache/lambda-mesh',
  }),
  cacheMaxBytes: setting({
    variable: 'MESH_CACHE_MAX_BYTES',
    schema: text.integer(0, 999_999_999_999),
    fallback: '2147483648',
    description:
      'Bytes that artifacts may take there together. Those that no route names go first, then those that were not used for longest.',
    remedy: 'a whole number of bytes, such as 2147483648',
  }),
  auditSample: setting({
    variable: 'MESH_AUDIT_SAMPLE',
    schema: z
      .string()
      .regex(/^(0|1|0?\.\d{1,6}|[01]\.0*)$/, 'not a number from 0 to 1')
      .transform(Number),
    fallback: '1',
    description:
      'Share of the invocations that ended OK of which a record is kept, from 0 (none) to 1 (all). Of all others every one is.',
    remedy: 'a number from 0 to 1, such as 0.1',
  }),
  handlerEnvironment: setting({
    variable: 'MESH_HANDLER_ENV',
    schema: text.list(),
    fallback: ',',
    description:
      'Names of environment variables that are offered to handlers, separated by commas. A handler sees those that its manifest lists.',
    remedy: 'names such as DATABASE_URL,SMTP_URL; never MESH_*',
  }),
  ...healthSettings(8082),
};

export type ExecutorConfig = Config<typeof settings>;
