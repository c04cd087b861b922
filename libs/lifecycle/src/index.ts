/**
 * How a service lives: what every `main.ts` and module needs beside its own matter.
 *
 *   launch     goes on with the Node version that the project needs (imported alone: `#lifecycle/launch`)
 *   run        environment → configuration → start → signals → orderly stop
 *   collector  what V8's garbage collector is told, and when not
 *   backoff    waits that double, between attempts
 *   complaints warnings about messages, of which there may be thousands a second
 *   health     `/health`, `/health/ready`, `/metrics`, and the server for services that have no other
 *   readiness  named checks that must all hold
 *   metrics    one prom-client registry a service
 *   problem    problem+json for every error of a Nest HTTP server
 */
export * from './backoff.js';
export { threadStarts } from './collector.js';
export * from './complaints.js';
export * from './health.js';
export * from './health-settings.js';
export * from './listen-address.js';
export * from './logger.js';
export * from './metrics.js';
export * from './problem.js';
export * from './readiness.js';
export * from './registry-rpc.js';
export * from './run.js';
