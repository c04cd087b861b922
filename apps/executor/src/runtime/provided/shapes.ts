import type { EventEnvelope } from '#contracts';
import type { Outcome } from '#handler/runtime';
import type { HandlerSpec } from '../runtime.js';

export function eventBody(_spec: HandlerSpec, _envelope: EventEnvelope, raw: Uint8Array): Uint8Array {
  return raw.length === 0 ? Buffer.from('null') : raw;
}

export function answerOf(_spec: HandlerSpec, body: Uint8Array): Outcome {
  return { outcome: 'ok', status: 200, contentType: 'application/json', body };
}
