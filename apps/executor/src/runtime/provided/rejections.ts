import type { ServerResponse } from 'node:http';

/** What a runtime is told when it asks for what it may not; the words are those of Lambda's own API. */
export interface Rejection {
  readonly status: number;
  readonly errorType: string;
  readonly errorMessage: string;
}

/** Bytes of a response, as Lambda has it: 6 MiB and 100 bytes. */
export const MOST_RESPONSE_BYTES = 6 * 1024 * 1024 + 100;

export const INVALID_REQUEST_ID: Rejection = {
  status: 400,
  errorType: 'InvalidRequestID',
  errorMessage: 'Invalid request ID',
};

export const TOO_LARGE: Rejection = {
  status: 413,
  errorType: 'RequestEntityTooLarge',
  errorMessage: `Exceeded maximum allowed payload size (${MOST_RESPONSE_BYTES} bytes).`,
};

export const NOT_FOUND: Rejection = {
  status: 404,
  errorType: 'NotFound',
  errorMessage: 'The Runtime API has no such resource.',
};

/** @param from the runtime's state, @param to the one that it asked for */
export const invalidTransition = (from: string, to: string): Rejection => ({
  status: 403,
  errorType: 'InvalidStateTransition',
  errorMessage: `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
});

const ACCEPTED = Buffer.from('{"status":"OK"}\n');

export function accept(response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json', 'content-length': ACCEPTED.length });
  response.end(ACCEPTED);
}

export function reject(response: ServerResponse, { status, errorType, errorMessage }: Rejection): void {
  const body = Buffer.from(JSON.stringify({ errorMessage, errorType }));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}
