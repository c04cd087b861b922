/**
 * What the services agree on. Pure values and functions: no I/O, no Nest.
 *
 *   control-path  the name of a handler, and a reference to one of its versions
 *   subjects      every NATS subject and KV key, written once
 *   envelope      an event and its result, as typed values
 *   codec         envelope ⇄ NATS headers, byte for byte (`meta`: what of it is JSON)
 *   errors        every error code: whose fault, whether to try again, what outsiders may read
 *   invocation    what is kept of a run of a handler, and how many of them travel in one message
 *   manifest      what an artifact says of itself, and the route made from it
 *   lambda-names  what a handler is called where AWS Lambda's words are spoken
 *   mesh-id       the name of one event, minted by the mesh
 *   work          an event that waits in a stream, and the dead letter that it may become
 *   async-call    what is known of a call whose caller did not wait
 *   json-body     JSON that somebody sent: what of it is taken, by who decodes it now or later
 *   config        environment variables ⇄ one frozen, typed value
 *   dead-buffers  what streams and runs leave behind is collected in time
 */
export * from './async-call.js';
export {
  asciiJson,
  decodeAttribute,
  decodeDetails,
  decodeEvent,
  decodeHeaders,
  decodeResult,
  decodeRouting,
  type EventDetails,
  type EventRouting,
  encodeEvent,
  encodeHeaders,
  encodeResult,
  type HeaderMap,
  statusOf,
  wantsLogTail,
} from './codec.js';
export * from './config.js';
export * from './control-path.js';
export { collect, passed } from './dead-buffers.js';
export * from './envelope.js';
export * from './errors.js';
export * from './invocation.js';
export type { JsonValue } from './json.js';
export { parseJsonBody } from './json-body.js';
export * from './lambda-names.js';
export * from './manifest.js';
export * from './mesh-id.js';
export * from './subjects.js';
export * from './work.js';
