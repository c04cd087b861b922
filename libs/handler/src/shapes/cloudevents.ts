import { encodeReturned } from '../answer.js';
import type { CloudEvent } from '../author-types.js';
import { buildEvent } from '../build-event.js';
import { jsonAnswer, textAnswer } from './lambda-answer.js';
import type { Asked, Shape } from './shape.js';

/*
 * A CloudEvent in its JSON form (CloudEvents 1.0, JSON format, clause 3). What the caller stated stays; the rest are the
 * mesh's own defaults. An answer that is a CloudEvent is sent in structured mode, which every source can carry; another
 * one is sent as the mesh sends it.
 */

const STRUCTURED = 'application/cloudevents+json';
// Clause 3.1 of the specification: lower-case letters and digits.
const EXTENSION = /^ce-([a-z0-9]{1,20})$/;
const KNOWN = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
]);

export const cloudevents: Shape = {
  document: (asked) => {
    const built = buildEvent(asked.path, asked.envelope, asked.raw);
    if (built instanceof Promise)
      return built.then(({ body, cloudEvent }) => documentOf(asked, body, cloudEvent));
    return isStructured(asked) ? structuredOf(asked) : documentOf(asked, built.body, built.cloudEvent);
  },
  answer: (returned, { envelope }) => {
    if (envelope.meta.source === 'lambda') return jsonAnswer(returned);
    return isCloudEvent(returned)
      ? textAnswer(JSON.stringify(returned), STRUCTURED)
      : encodeReturned(returned);
  },
};

const isStructured = ({ envelope: { contentType = '' } }: Asked): boolean =>
  /^application\/cloudevents(\+json)?\s*(;|$)/i.test(contentType);

/** It was checked by then; its extensions stay with it. */
const structuredOf = ({ raw }: Asked): unknown => JSON.parse(Buffer.from(raw).toString());

function documentOf({ envelope, path, raw, now }: Asked, body: unknown, stated: CloudEvent = {}) {
  const { meta, id, contentType } = envelope;
  return {
    specversion: '1.0',
    id: stated.id ?? id,
    source: stated.source ?? `urn:lambda-mesh:${meta.source}`,
    type: stated.type ?? 'mesh.event',
    subject: stated.subject ?? path,
    time: stated.time ?? new Date(now).toISOString(),
    ...extensionsOf(envelope),
    ...dataOf(body, raw, contentType),
  };
}

/** Extension attributes of HTTP's binary mode (HTTP binding, clause 3.1.3). */
function extensionsOf({ meta, traceparent }: Asked['envelope']): Record<string, string> {
  const extensions: Record<string, string> = traceparent === undefined ? {} : { traceparent };
  for (const [name, value] of Object.entries(meta.headers ?? {})) {
    const extension = EXTENSION.exec(name)?.[1];
    if (extension !== undefined && !KNOWN.has(extension))
      extensions[extension] = decodeURIComponentSafely(String(value));
  }
  return extensions;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Bytes are base64 (clause 3.1.1); text and JSON stand for themselves. */
function dataOf(body: unknown, raw: Uint8Array, contentType: string | undefined): object {
  if (raw.length === 0) return {};
  const isBytes = ArrayBuffer.isView(body);
  const type =
    contentType ?? (isBytes ? undefined : typeof body === 'string' ? 'text/plain' : 'application/json');
  return {
    ...(type === undefined ? {} : { datacontenttype: type }),
    ...(isBytes ? { data_base64: Buffer.from(raw).toString('base64') } : { data: body }),
  };
}

function isCloudEvent(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const { specversion, id, source, type } = value as Record<string, unknown>;
  return specversion === '1.0' && [id, source, type].every((one) => typeof one === 'string' && one !== '');
}
