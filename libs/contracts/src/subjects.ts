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

/** Key of a route in {@link ROUTES_BUCKET}: `users.find`. */
export const routeKey = (path: ControlPath): string => dotted(path);
/** The path that a route key stands for: the inverse of {@link routeKey}. */
export const pathOfRouteKey = (key: string): ControlPath => key.replaceAll('.', '/') as ControlPath;
