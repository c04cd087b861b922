import { type Answer, encodeReturned } from '../answer.js';
import { encodeBody } from '../encode-body.js';
import { isStream } from '../stream-source.js';

/*
 * What a function returns, as Lambda's runtimes send it: its JSON, `null` for nothing. Bytes and streams stand for
 * themselves, as a custom runtime may send any bytes.
 */

const JSON_TYPE = 'application/json';

/** @throws MeshError `bad-answer` for what has no JSON */
export function jsonAnswer(returned: unknown): Answer {
  if (typeof returned === 'string') return textAnswer(JSON.stringify(returned), JSON_TYPE);
  if (typeof returned === 'object' && returned !== null && isStream(returned))
    return encodeReturned(returned);
  return { outcome: 'ok', status: 200, ...encodeBody(returned ?? null) };
}

export const textAnswer = (text: string, contentType: string): Answer => ({
  outcome: 'ok',
  status: 200,
  contentType,
  body: Buffer.from(text),
});
