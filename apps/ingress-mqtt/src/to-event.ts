import { type CloudEventAttributes, DEFAULT_TIMEOUT_MS, type EventEnvelope, type Route } from '#contracts';
import type { Incoming, IncomingProperties } from './incoming.js';

/** How much longer than the handler's own limit an answer is waited for, ms: so that its own error arrives. */
const ANSWER_GRACE_MS = 1_000;
const TRACE_CONTEXT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const STRUCTURED = 'application/cloudevents+json';

/** An event as far as the message tells it: its id and its time are for others to give. */
export type MqttEvent = Omit<EventEnvelope, 'id' | 'timeout' | 'version' | 'sticky'>;

/**
 * A message as an event. `attributes` is what MQTT knows of it: `{ topic, qos, retain, dup }`, with MQTT 5 also
 * `userProperties`, `responseTopic` and `correlationData` (base64).
 * @param params what the wildcards of the trigger's filter stand for
 */
export function toEvent(message: Incoming, params: Readonly<Record<string, string>>): MqttEvent {
  const { properties = {} } = message;
  const user = properties.userProperties ?? {};
  const contentType = properties.contentType ?? structuredType(message);
  const cloudEvent = cloudEventOf(user);
  return {
    meta: {
      source: 'mqtt',
      attributes: attributesOf(message, properties),
      ...(Object.keys(params).length === 0 ? {} : { params }),
    },
    ...(contentType === undefined ? {} : { contentType }),
    ...(cloudEvent === undefined ? {} : { cloudEvent }),
    ...(TRACE_CONTEXT.test(String(user.traceparent)) ? { traceparent: String(user.traceparent) } : {}),
  };
}

function attributesOf({ topic, qos, retain, dup }: Incoming, properties: IncomingProperties) {
  const { userProperties, responseTopic, correlationData } = properties;
  return {
    topic,
    qos,
    retain,
    dup,
    ...(userProperties === undefined ? {} : { userProperties: { ...userProperties } }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined
      ? {}
      : { correlationData: Buffer.from(correlationData).toString('base64') }),
  };
}

/** CloudEvents, MQTT binding, clause 3.1: in binary mode each attribute is a user property, without a prefix. */
function cloudEventOf(user: Readonly<Record<string, unknown>>): CloudEventAttributes | undefined {
  const { specversion, id, source, type, subject, time } = user;
  if (specversion !== '1.0' || !isText(id) || !isText(source) || !isText(type)) return undefined;
  return { id, source, type, ...(isText(subject) ? { subject } : {}), ...(isText(time) ? { time } : {}) };
}

/**
 * CloudEvents, MQTT binding, clause 3: with MQTT 3.1.1, which has no content type, every event is in structured mode.
 * Only what says so of itself is taken for one; a payload of any other kind is not parsed here.
 */
function structuredType({ payload }: Incoming): string | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (!bytes.includes('"specversion"')) return undefined;
  try {
    const { specversion, id, source, type } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    return specversion === '1.0' && isText(id) && isText(source) && isText(type) ? STRUCTURED : undefined;
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** The handler's own limit, ms, and the grace; with several versions live the longest, since the executor picks. */
export function timeoutOf({ versions }: Route): number {
  const limits = versions.map(({ limits }) => limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  return Math.max(...limits) + ANSWER_GRACE_MS;
}
