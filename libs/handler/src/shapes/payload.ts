import type { Values } from '../author-types.js';
import { decodeBody } from '../decode-body.js';
import { parseQuery } from '../pairs.js';
import { jsonAnswer } from './lambda-answer.js';
import type { Asked, Shape } from './shape.js';

/** What was sent, decoded by its content type; a request without a body stands for its query. Answers are JSON. */
export const payload: Shape = { document: payloadOf, answer: jsonAnswer };

function payloadOf({ raw, envelope: { contentType, meta } }: Asked): unknown {
  if (raw.length === 0 && meta.query !== undefined) return plain(parseQuery(meta.query));
  return decodeBody(raw, contentType);
}

/** With a prototype, as code that was written for Lambda may expect of a document. */
const plain = (values: Values): Values => Object.fromEntries(Object.entries(values));
