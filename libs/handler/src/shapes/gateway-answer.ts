import { type Answer, encodeReturned } from '../answer.js';

/**
 * `{ statusCode, headers, cookies, body, isBase64Encoded }`. API Gateway also takes a status that is written as text,
 * and `null` for what is left out.
 */
export function statusAnswer(answer: Record<string, unknown>): Answer {
  const { statusCode, body, ...rest } = answer;
  const status = typeof statusCode === 'string' ? Number(statusCode) : statusCode;
  return encodeReturned({
    ...rest,
    statusCode: typeof status === 'number' ? status : Number.NaN,
    body: body ?? undefined,
  });
}
