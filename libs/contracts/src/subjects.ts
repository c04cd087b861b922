import type { ControlPath } from './control-path.js';

/*
 * Every NATS subject and KV key of the mesh, each written once. A control path's `/` becomes `.`; its alphabet
 * holds no `.`, `*`, `>` or space, so a path can never widen a subject.
 */

const dotted = (path: ControlPath): string => path.replaceAll('/', '.');

/** `mesh.call.users.find`: a call, someone waits. Core request/reply in queue group {@link EXECUTOR_QUEUE}. */
export const callSubject = (path: ControlPath): string => `mesh.call.${dotted(path)}`;
/** `mesh.work.users.find`: work, nobody waits. In stream WORK. */
export const workSubject = (path: ControlPath): string => `mesh.work.${dotted(path)}`;
/** `mesh.dead.users.find`: work that ended badly. In stream DEAD. */
export const deadSubject = (path: ControlPath): string => `mesh.dead.${dotted(path)}`;
/** `mesh.log.users.find`: a handler's log lines, for who listens. */
export const logSubject = (path: ControlPath): string => `mesh.log.${dotted(path)}`;
/** `mesh.cancel.<mesh-id>`: the caller went away or gave up. */
export const cancelSubject = (meshId: string): string => `mesh.cancel.${meshId}`;

/**
 * `mesh.stream.<connection>.<stream>`: what an executor is told about one stream: pieces of a request's body, how much
 * of an answer its caller has room for. Both names are random. Core.
 */
export const streamSubject = (connection: string, stream: string): string =>
  `mesh.stream.${connection}.${stream}`;

/** `mesh.schedule.<mesh-id>`: delayed or repeated work, handed over by JetStream's scheduler. One schedule a subject. In stream WORK. */
export const scheduleSubject = (meshId: string): string => `mesh.schedule.${meshId}`;
/**
 * `mesh.schedule.cron.users.find.<hash>`: a path's repeated work, one subject a trigger. The name alone says which
 * trigger it is, so that nothing has to be read to compare what is scheduled with what should be.
 */
export const cronSubject = (path: ControlPath, hash: string): string =>
  `mesh.schedule.cron.${dotted(path)}.${hash}`;
/** Delayed and repeated work, all of it. */
export const SCHEDULE_SUBJECTS = 'mesh.schedule.>';
/** All of them. */
export const CRON_SUBJECTS = 'mesh.schedule.cron.>';
/** `mesh.callback.<mesh-id>`: a result that somebody wants to be sent. In stream CALLBACKS. */
export const callbackSubject = (meshId: string): string => `mesh.callback.${meshId}`;

/** All of them, for who runs handlers. */
export const CANCEL_SUBJECTS = 'mesh.cancel.*';

/** Stream of accepted work, until it is done. */
export const WORK_STREAM = 'WORK';
export const WORK_SUBJECTS = ['mesh.work.>', 'mesh.schedule.>'];
/** Stream of work that ended badly, until somebody replays or drops it. */
export const DEAD_STREAM = 'DEAD';
export const DEAD_SUBJECTS = 'mesh.dead.>';
/** Stream of results that ingress-http sends to their callbacks. */
export const CALLBACKS_STREAM = 'CALLBACKS';
export const CALLBACK_SUBJECTS = 'mesh.callback.>';
/** The consumer of CALLBACKS that all ingress-http share. */
export const CALLBACKS_CONSUMER = 'ingress-http';

/** Pool of the executors that name none. */
export const DEFAULT_POOL = 'default';
/** The consumer of WORK that the executors of a pool share. */
export const poolConsumer = (pool: string): string => `pool-${pool}`;
/** The consumer of WORK of one path alone: `own=users=find`. No segment holds `=`. */
export const ownConsumer = (path: ControlPath): string => `own=${path.replaceAll('/', '=')}`;

/** KV bucket with state and result of asynchronous calls, by mesh-id. */
export const RESULTS_BUCKET = 'mesh_results';
/** KV bucket with what was tried of work that did not end well at once. */
export const ATTEMPTS_BUCKET = 'mesh_attempts';
/** KV bucket with who holds what only one may hold at a time. */
export const LEASES_BUCKET = 'mesh_leases';

/** Stream of what happened: `mesh.audit.>`, read by the registry. */
export const AUDIT_STREAM = 'AUDIT';
export const AUDIT_SUBJECTS = 'mesh.audit.>';
/** Batches of invocation records, from executors. */
export const AUDIT_INVOCATIONS = 'mesh.audit.invocations';
/** KV bucket with the head of the audit chain, outside the database that holds the chain. */
export const AUDIT_BUCKET = 'mesh_audit';
export const AUDIT_HEAD_KEY = 'head';

/** Control RPC of the registry; requests and answers are JSON in the envelope of Nest's NATS transport. */
export const REGISTRY_DESCRIBE = 'mesh.registry.describe';
export const REGISTRY_REPORT = 'mesh.registry.report';

/** KV bucket with one {@link Route} a path; written by the registry only. */
export const ROUTES_BUCKET = 'mesh_routes';
/** NATS object store for artifacts, where MESH_ARTIFACTS_URL is `nats://mesh_artifacts`: the one that users may use. */
export const ARTIFACTS_BUCKET = 'mesh_artifacts';
/** Queue group in which executors share the calls of a path. */
export const EXECUTOR_QUEUE = 'executor';

/** The path of a `mesh.work.…` or `mesh.dead.…` subject; what is no control path is for the caller to find out. */
export const pathOfSubject = (subject: string): ControlPath =>
  subject.slice(subject.indexOf('.', 5) + 1).replaceAll('.', '/') as ControlPath;

/** Key of a route in {@link ROUTES_BUCKET}: `users.find`. */
export const routeKey = (path: ControlPath): string => dotted(path);
/** The path that a route key stands for: the inverse of {@link routeKey}. */
export const pathOfRouteKey = (key: string): ControlPath => key.replaceAll('.', '/') as ControlPath;
