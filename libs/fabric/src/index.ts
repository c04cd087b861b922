/**
 * The way through NATS: ports that the services use, and the adapters behind them.
 *
 *   connection    one connection a service; reconnects for ever, says whether it is connected
 *   invoker       a call and its reply: one reply subscription and a table of who waits
 *   mesh-link     what an ingress needs of NATS, in one
 *   call-intake   the other end: calls of a path arrive, each is answered
 *   catalogue     the routing table (read by all) and its store (written by the registry)
 *   audit-stream  what happened, from executors to the registry; and the head of the audit chain
 *   object-store  named bytes, for artifacts
 *   discovery     NATS micro-service protocol, answered from the executor's own counters
 *   work-queue    work on its way into its stream and out of it, and what else is written to streams
 *   kept          values with headers beside them, for results and attempts
 *   lease         what one of several processes may have at a time
 *   result-intake results of work on their way back to who asked
 *   streams       every stream, bucket and consumer of the mesh, declared once (registry only)
 *   stream-stock  what stands in a stream, to be looked at and put right (registry only)
 *   deadlines     one timer for all that have as long
 *   operator      the asking side: which executors are there, what handlers log
 *
 * `nats/` holds the adapters and is the only place that knows the NATS client.
 */
export * from './audit-stream.js';
export * from './call-intake.js';
export * from './catalogue.js';
export * from './connection.js';
export { type Deadline, Deadlines } from './deadlines.js';
export * from './discovery.js';
export * from './invoker.js';
export * from './kept.js';
export * from './lease.js';
export { MeshLink } from './mesh-link.js';
export { openAuditHead } from './nats/audit-head.js';
export { AUDIT_MAX_AGE_MS, openAuditReader, openAuditWriter } from './nats/audit-stream.js';
export { createCallIntake } from './nats/call-intake.js';
export { followCancels } from './nats/cancels.js';
export { clientOptions, connect } from './nats/connect.js';
export { serveDiscovery } from './nats/discovery.js';
export { findServices } from './nats/find-services.js';
export { followLogs } from './nats/follow-logs.js';
export { createInvoker } from './nats/invoker.js';
export { openKeep } from './nats/keep.js';
export { type ObjectStoreOptions, openObjectStore } from './nats/object-store.js';
export { createResultIntake } from './nats/result-intake.js';
export { watchRoutes } from './nats/route-feed.js';
export { openRouteStore } from './nats/route-store.js';
export { createSender } from './nats/sender.js';
export { openStreamStock } from './nats/stream-stock.js';
export { createStreamWriter, createWorkPublisher } from './nats/stream-writer.js';
export { ensureStreams, STREAM_DEFAULTS, type StreamOptions } from './nats/streams.js';
export { survey } from './nats/survey.js';
export { openWorkConsumers } from './nats/work-consumers.js';
export { openWorkPuller, type PullerOptions } from './nats/work-puller.js';
export * from './object-store.js';
export * from './operator.js';
export * from './result-intake.js';
export * from './settings.js';
export * from './stream-stock.js';
export * from './survey.js';
export * from './whole-reply.js';
export * from './work-consumers.js';
export * from './work-queue.js';
