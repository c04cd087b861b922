/**
 * The real servers of the mesh as child processes, for the embedded start, tests and benchmarks. Each
 * `start…(options)` resolves when the server takes connections and gives `{ …addresses, pid, stop() }`.
 * Everything listens on 127.0.0.1 only.
 *
 *   nats, postgres, aws, mosquitto   one launcher each
 *   nats-config, nats-permissions    the configuration file, and what each NATS user may do
 *   child, server-log                one child process: ready, stop, last words
 *   claim, identity                  whose data folder it is; ending what a killed parent left behind
 *   port, folder, binary             what a launcher needs before it can launch
 */
export { type AwsOptions, type AwsServer, startAws } from './aws.js';
export { type Reaped, reapOrphans } from './claim.js';
export { type MosquittoOptions, type MosquittoServer, startMosquitto } from './mosquitto.js';
export { type NatsLogin, type NatsOptions, type NatsServer, startNats } from './nats.js';
export { MAX_PAYLOAD, type NatsConfig, natsConfig } from './nats-config.js';
export { PERMISSIONS, type ServiceUser } from './nats-permissions.js';
export { expectFree } from './port.js';
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgres.js';
export { ServerError } from './server-error.js';
