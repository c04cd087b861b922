import type { HttpReply } from './http-answers.js';

/** What a runtime is told when it asks for what it may not; the words are those of Lambda's own API. */
export interface Rejection {
  readonly status: '400 Bad Request' | '403 Forbidden' | '404 Not Found' | '413 Content Too Large';
  readonly errorType: string;
  readonly errorMessage: string;
}

/** Bytes of a response, as Lambda has it: 6 MiB and 100 bytes. */
export const MOST_RESPONSE_BYTES = 6 * 1024 * 1024 + 100;

export const INVALID_REQUEST_ID: Rejection = {
  status: '400 Bad Request',
  errorType: 'InvalidRequestID',
  errorMessage: 'Invalid request ID',
};

export const TOO_LARGE: Rejection = {
  status: '413 Content Too Large',
  errorType: 'RequestEntityTooLarge',
  errorMessage: `Exceeded maximum allowed payload size (${MOST_RESPONSE_BYTES} bytes).`,
};

export const NOT_FOUND: Rejection = {
  status: '404 Not Found',
  errorType: 'NotFound',
  errorMessage: 'The Runtime API has no such resource.',
};

/** @param from the runtime's state, @param to the one that it asked for */
export const invalidTransition = (from: string, to: string): Rejection => ({
  status: '403 Forbidden',
  errorType: 'InvalidStateTransition',
  errorMessage: `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
});

const JSON_TYPE = 'Content-Type: application/json\r\n';
const OK = Buffer.from('{"status":"OK"}\n');

export const accept = (reply: HttpReply): void => reply.respond('202 Accepted', JSON_TYPE, OK);

export const reject = (reply: HttpReply, { status, errorType, errorMessage }: Rejection): void =>
  reply.respond(status, JSON_TYPE, Buffer.from(JSON.stringify({ errorMessage, errorType })));
