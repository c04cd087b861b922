import { isUtf8 } from 'node:buffer';
import { asMeshError, decodeDetails, type EventShape, MeshError, type Source } from '#contracts';
import { type Asked, encodeReturned, errorOutcome, type Outcome, shapeOf } from '#handler/runtime';
import type { HandlerSpec } from '../runtime.js';
import type { RunMessage } from '../worker-protocol.js';

/*
 * The document that a program gets, and how its answer is read: by the shapes that other handlers may ask for, too. One that
 * asks for none gets what Lambda would give it: over HTTP API Gateway's event in format 2.0, from a queue the queue's
 * records, from anybody else what was sent.
 */

const JSON_TYPE = 'application/json';
const NOTHING = new Uint8Array(0);

/** An event on its way into a program. */
export interface Shaped extends Asked {
  readonly event: EventShape;
}

/** @throws MeshError `bad-event` */
export function shapedOf({ path, version, provided }: HandlerSpec, run: RunMessage): Shaped {
  const [, , id, headers, body, attempt] = run;
  const envelope = { id, ...decodeDetails(headers) };
  return {
    path,
    version,
    envelope,
    raw: body ?? NOTHING,
    attempt,
    now: Date.now(),
    http: provided?.http ?? [],
    headers,
    event: provided?.event ?? eventFor(envelope.meta.source),
  };
}

const eventFor = (source: Source): EventShape =>
  source === 'http' ? 'apigateway-v2' : source === 'sqs' ? 'sqs' : 'payload';

/** JSON. A promise where a body of several parts has to be taken apart. @throws MeshError `bad-body`, … */
export function documentOf(shaped: Shaped): Uint8Array | Promise<Uint8Array> {
  const { event, envelope, raw } = shaped;
  const document = shapeOf(event, envelope.meta.source).document(shaped);
  if (document instanceof Promise) return document.then((value: unknown) => bytesOf(event, value));
  // It has been read, so it is JSON: it goes on as it came, with every digit of its numbers.
  if (event === 'payload' && raw.length > 0 && isParsed(document)) return raw;
  return bytesOf(event, document);
}

/** Decoded from JSON rather than taken for text, bytes or a form. */
const isParsed = (value: unknown): boolean =>
  typeof value === 'number' || typeof value === 'boolean' || value === null || isPlain(value);

const isPlain = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);

function bytesOf(event: EventShape, document: unknown): Uint8Array {
  return Buffer.from(
    JSON.stringify(event === 'mesh' ? plainEvent(document as MeshEvent) : jsonable(document)) ?? 'null',
  );
}

interface MeshEvent {
  readonly body: unknown;
  readonly raw: Uint8Array;
}

/** The mesh's own event as JSON: bytes as base64, and no second copy of the body. */
function plainEvent({ raw: _bytes, ...event }: MeshEvent): object {
  const isBase64Encoded = event.body instanceof Uint8Array;
  return { ...event, body: jsonable(event.body), isBase64Encoded };
}

const jsonable = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    : value;

/** What a program answered, as its outcome. Never throws. */
export function answerOf(shaped: Shaped, body: Uint8Array): Outcome {
  const { event, envelope } = shaped;
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    const returned = parsed(text) ?? strictly(shaped, text);
    if (!returned) return asItIs(body, envelope.meta.source);
    if (event === 'payload') return { outcome: 'ok', status: 200, contentType: JSON_TYPE, body };
    // To anybody but a caller of Lambda's API an answer to the mesh's own event is what a handler in JavaScript returns.
    if (event === 'mesh' && envelope.meta.source !== 'lambda') return encodeReturned(returned.value);
    return shapeOf(event, envelope.meta.source).answer(returned.value, shaped);
  } catch (error) {
    const fault = asMeshError(error);
    const told = fault.code === 'internal' ? new MeshError('bad-answer') : fault;
    return errorOutcome(told, envelope.id, fault.cause);
  }
}

/**
 * What is no JSON, to who takes nothing else: text, which says nothing there. A queue would take it for a success and delete
 * the message, a REST API for an answer.
 */
function strictly({ event, envelope }: Shaped, text: string): { value: unknown } | undefined {
  if (envelope.meta.source === 'lambda' || (event !== 'sqs' && event !== 'apigateway-v1')) return undefined;
  return { value: text.trim() === '' ? undefined : text };
}

/** Whether the answer says which messages failed: it has to be read before there is an outcome. */
export const isForQueue = (shaped: Shaped | undefined): boolean =>
  shaped?.event === 'sqs' && shaped.envelope.meta.source !== 'lambda';

/** Lambda passes on what is no JSON, too; its callers get the very bytes. */
function asItIs(body: Uint8Array, source: Source): Outcome {
  if (body.length === 0) return { outcome: 'ok', status: 204, body };
  const isText = source !== 'lambda' && isUtf8(body);
  const contentType = isText ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  return { outcome: 'ok', status: 200, contentType, body };
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
