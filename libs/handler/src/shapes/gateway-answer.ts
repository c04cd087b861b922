import { MeshError } from '../../../contracts/src/errors.js';
import { type Answer, encodeReturned } from '../answer.js';

/**
 * `{ statusCode, headers, cookies, body, isBase64Encoded }`. API Gateway also takes a status that is written as text,
 * and `null` for what is left out; a body that is no text it refuses ("the wrong type for field body").
 */
export function statusAnswer(answer: Record<string, unknown>): Answer {
  const { statusCode, body, ...rest } = answer;
  if (body !== undefined && body !== null && typeof body !== 'string')
    throw new MeshError('bad-answer', 'The body of an answer to API Gateway is text.');
  const status = typeof statusCode === 'string' ? Number(statusCode) : statusCode;
  return encodeReturned({
    ...rest,
    statusCode: typeof status === 'number' ? status : Number.NaN,
    body: body ?? undefined,
  });
}
