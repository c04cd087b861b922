import { encodeReturned } from '../answer.js';
import { type BodyKind, decodeBody, kindOf } from '../decode-body.js';
import { parseMediaType } from '../media-type.js';
import { wholeEvent } from '../structured-event.js';
import { bodyOf } from './gateway-request.js';
import { jsonAnswer, textAnswer } from './lambda-answer.js';
import type { Asked, Shape } from './shape.js';

/*
 * A CloudEvent in its JSON form (CloudEvents 1.0, JSON format, clause 3). What the caller stated stays; the rest are the
 * mesh's own defaults. One that was sent in structured mode, or as the payload of Lambda's API, is passed on as it is. An
 * answer that is a CloudEvent is sent in structured mode, which every source can carry; another one is sent as the mesh
 * sends it.
 */

const STRUCTURED = 'application/cloudevents+json';
// Clause 3.1 of the specification: lower-case letters and digits.
const ATTRIBUTE = /^[a-z0-9]+$/;
/** What is said of an event in other ways. `data` may be no attribute's name. */
const KNOWN = new Set(['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'data']);

export const cloudevents: Shape = {
  document(asked) {
    const { raw, envelope } = asked;
    const { contentType } = envelope;
    const kind = contentType === undefined ? undefined : kindOf(parseMediaType(contentType));
    if (kind === 'cloudevent') return wholeEvent(decodeBody(raw, contentType));
    const data: Data = raw.length === 0 ? {} : dataOf(asked, kind);
    const isSent = envelope.meta.source === 'lambda' && isCloudEvent(data.data);
    return isSent ? data.data : documentOf(asked, data);
  },
  answer: (returned, { envelope }) => {
    if (envelope.meta.source === 'lambda') return jsonAnswer(returned);
    return isCloudEvent(returned)
      ? textAnswer(JSON.stringify(returned), STRUCTURED)
      : encodeReturned(returned);
  },
};

function documentOf(asked: Asked, data: Data) {
  const { envelope, path, now } = asked;
  const { meta, id, cloudEvent: stated = {} } = envelope;
  return {
    specversion: '1.0',
    id: stated.id ?? id,
    source: stated.source ?? `urn:lambda-mesh:${meta.source}`,
    type: stated.type ?? 'mesh.event',
    subject: stated.subject ?? path,
    time: stated.time ?? new Date(now).toISOString(),
    ...extensionsOf(asked),
    ...data,
  };
}

/**
 * `dataschema` and extension attributes, as the bindings' binary mode has them: headers of HTTP and of NATS with the
 * prefix `ce-`, percent-encoded (HTTP binding, clause 3.1.3); user properties of MQTT 5 without one (clause 3.1.3 there).
 */
function extensionsOf({ envelope, headers }: Asked): Record<string, string> {
  const { meta, traceparent } = envelope;
  const extensions: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  const add = (name: string, value: string) => {
    if (ATTRIBUTE.test(name) && !KNOWN.has(name)) extensions[name] = value;
  };
  for (const [name, value] of Object.entries({ ...headers, ...meta.headers }))
    if (name.startsWith('ce-')) add(name.slice(3), decodeURIComponentSafely(String(value)));
  for (const [name, value] of Object.entries(userPropertiesOf(envelope)))
    add(name, String([value].flat()[0]));
  return extensions;
}

/** Of a message that is an event: those of another one may be called anything. */
function userPropertiesOf({ meta, cloudEvent }: Asked['envelope']): object {
  const properties = meta.source === 'mqtt' && cloudEvent ? meta.attributes?.userProperties : undefined;
  return typeof properties === 'object' && properties !== null ? properties : {};
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Data {
  readonly datacontenttype?: string;
  readonly data?: unknown;
  readonly data_base64?: string;
}

/** JSON stands for itself, what has another type is text or base64 (clause 3.1.1), by its type and not by its bytes. */
function dataOf(asked: Asked, kind: BodyKind | undefined): Data {
  const { raw, envelope } = asked;
  const { contentType } = envelope;
  if (contentType !== undefined && kind !== 'json' && kind !== 'text') {
    const { body, isBase64Encoded } = bodyOf(asked);
    return { datacontenttype: contentType, [isBase64Encoded ? 'data_base64' : 'data']: body };
  }
  const data = decodeBody(raw, contentType);
  if (ArrayBuffer.isView(data)) return { data_base64: Buffer.from(raw).toString('base64') };
  const guessed = typeof data === 'string' ? 'text/plain' : 'application/json';
  return { datacontenttype: contentType ?? guessed, data };
}

function isCloudEvent(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const { specversion, id, source, type } = value as Record<string, unknown>;
  return specversion === '1.0' && [id, source, type].every((one) => typeof one === 'string' && one !== '');
}
