import { decodeBody } from '../decode-body.js';
import { jsonAnswer } from './lambda-answer.js';
import type { Shape } from './shape.js';

/** A caller of Lambda's API sends the document itself, and gets what was returned. */
export const lambdaSource: Shape = {
  document: ({ raw, envelope }) => decodeBody(raw, envelope.contentType),
  answer: jsonAnswer,
};
