import { MeshError } from '../../contracts/src/errors.js';
import type { CloudEvent } from './author-types.js';
import { decodeBody } from './decode-body.js';

/** A CloudEvent in structured mode, taken apart: CloudEvents 1.0, JSON format, clause 3. */
export interface StructuredEvent {
  readonly cloudEvent: CloudEvent;
  /** A promise for multipart data. */
  readonly body: unknown;
  /** Whether the data is JSON, so that its fields count as the query. */
  readonly isJson: boolean;
}

const REQUIRED = ['id', 'source', 'type'] as const;
const OPTIONAL = ['subject', 'time'] as const;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** @throws MeshError `bad-body` for what is no CloudEvent, and whatever its data is refused with */
export function unwrapEvent(json: unknown): StructuredEvent {
  const event = eventIn(json);
  return { cloudEvent: attributesOf(event), ...dataOf(event) };
}

/** The event as it was sent: its data is for others to decode. @throws MeshError `bad-body` for what is no CloudEvent */
export function wholeEvent(json: unknown): object {
  const event = eventIn(json);
  attributesOf(event);
  if (isGiven(event.data_base64)) bytesOf(event.data_base64);
  return event;
}

interface StatedEvent extends Record<string, unknown> {
  readonly datacontenttype?: string | null;
}

function eventIn(json: unknown): StatedEvent {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw fault('it is no JSON object');
  const { specversion, datacontenttype } = json as Record<string, unknown>;
  if (specversion !== '1.0') throw fault('specversion must be "1.0"');
  if (isGiven(datacontenttype) && typeof datacontenttype !== 'string')
    throw fault('datacontenttype must be a string');
  return json as StatedEvent;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function attributesOf(event: Record<string, unknown>): CloudEvent {
  const attributes: Record<string, string> = {};
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const value = event[name] ?? undefined;
    if (typeof value === 'string' && value !== '') attributes[name] = value;
    else if (value !== undefined || REQUIRED.some((required) => required === name))
      throw fault(`${name} must be a string that is not empty`);
  }
  return attributes;
}

function dataOf({ data, data_base64: base64, datacontenttype: contentType }: StatedEvent) {
  if (isGiven(base64))
    return { body: decodeBody(bytesOf(base64), contentType ?? 'application/octet-stream'), isJson: false };
  // Clause 3.1.1: data is a JSON value; a string with another content type stands for itself.
  return { body: data ?? null, isJson: true };
}

function bytesOf(base64: unknown): Uint8Array {
  if (typeof base64 !== 'string' || !BASE64.test(base64)) throw fault('data_base64 is not base64');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

const fault = (why: string) => new MeshError('bad-body', `The body is no CloudEvent: ${why}.`);
