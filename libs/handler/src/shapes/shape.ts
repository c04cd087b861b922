import type { EventEnvelope } from '../../../contracts/src/envelope.js';
import type { EventShape, HttpTrigger } from '../../../contracts/src/manifest.js';
import type { Answer } from '../answer.js';

/*
 * The documents that handlers may have been written for, and how each reads an answer. A manifest names one (`event`);
 * without it a handler gets the mesh's own event, by `build-event`.
 *
 *   apigateway-v1, apigateway-v2   of `gateway-request`: what API Gateway would have made of the same request
 *   sqs                            one record, or the batch that the queue's ingress made
 *   cloudevents                    a CloudEvent in its JSON form
 *   payload                        what was sent, and nothing else
 *
 * Where the caller speaks Lambda (source `lambda`) the payload is the document already, whatever the manifest says, and
 * what is returned is the answer's payload: a client sends an API Gateway event to a function that expects one.
 * Pure: a document is a plain value, so a program in another language can be given it as JSON.
 */

/** What a handler asks for, of its manifest. */
export interface Shaping {
  readonly event: EventShape;
  /** Its HTTP triggers: by them API Gateway's `routeKey` and `resource` are told. */
  readonly http: readonly HttpTrigger[];
}

interface Stated {
  readonly event?: EventShape | undefined;
  readonly triggers: readonly (object | { readonly http: HttpTrigger })[];
}

/** `undefined` for the mesh's own event. */
export function shapingOf({ event, triggers }: Stated): Shaping | undefined {
  if (event === undefined || event === 'mesh') return undefined;
  return { event, http: triggers.flatMap((trigger) => ('http' in trigger ? [trigger.http] : [])) };
}

/** An event as it reached the handler's side, with what is known of the run. */
export interface Asked {
  readonly path: string;
  readonly version: string;
  readonly envelope: EventEnvelope;
  readonly raw: Uint8Array;
  readonly attempt: number;
  /** ms since 1970 */
  readonly now: number;
  readonly http: readonly HttpTrigger[];
  /** The handler takes the body of the mesh's own event as it comes. */
  readonly inPieces?: boolean;
  /** Those of its NATS message, names in lower case, where it came as one. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Shape {
  /** @throws MeshError `bad-body`, `unsupported-media-type` where the body has to be understood for it */
  document(asked: Asked): unknown;
  /** @throws MeshError `bad-answer` */
  answer(returned: unknown, asked: Asked): Answer;
}
