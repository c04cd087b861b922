import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { JsonValue } from '../author-types.js';
import type { ErrorReport } from './error-report.js';
import type { StreamedAnswer } from './streamed-answer.js';

/** An event that Lambda gave to run. */
export interface Next {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly body: Uint8Array;
  /** What else is known of who called: for a handler that was written for Lambda, in its context. */
  readonly caller: { readonly [name: string]: JsonValue };
}

const VERSION = '2018-06-01';
const ID = 'lambda-runtime-aws-request-id';
const DEADLINE = 'lambda-runtime-deadline-ms';
const ARN = 'lambda-runtime-invoked-function-arn';
const CLIENT_CONTEXT = 'lambda-runtime-client-context';
const TRACE = 'lambda-runtime-trace-id';
const ERROR_TYPE = 'lambda-runtime-function-error-type';
const ERROR_BODY = 'lambda-runtime-function-error-body';
const RESPONSE_MODE = 'lambda-runtime-function-response-mode';
const TRAILERS = 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body';
const ACCEPTED = 202;
/** Where no deadline is stated: Lambda's longest, ms. */
const LONGEST_MS = 900_000;

type Request = [
  method: string,
  path: string,
  content: string | Uint8Array | undefined,
  headers: Record<string, string>,
  signal?: AbortSignal,
];

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

class StaleError extends Error {}

/** Lambda refused what was sent. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(
    what: string,
    readonly status: number,
    text: string,
  ) {
    super(`The Runtime API answered ${status} to ${what}: ${text.slice(0, 500)}`);
  }
}

/** Lambda's Runtime API, version 2018-06-01, as its documentation ("Using the Lambda runtime API") has it. */
export class RuntimeApi {
  // Each poller keeps its connection. Without any time limit: `next` may wait for as long as nobody calls.
  readonly #agent = new Agent({ keepAlive: true });
  readonly #base: string;

  /** @param address `host:port` of AWS_LAMBDA_RUNTIME_API */
  constructor(address: string) {
    this.#base = `http://${address}/${VERSION}/runtime`;
  }

  /** Waits for an event. @throws RefusedError, or the connection's own error */
  async next(signal: AbortSignal): Promise<Next> {
    const { status, headers, body } = await this.#send('GET', '/invocation/next', undefined, {}, signal);
    const id = headers[ID];
    if (status !== 200 || typeof id !== 'string') throw new RefusedError('next', status, text(body));
    const deadlineMs = Number(headers[DEADLINE]) || Date.now() + LONGEST_MS;
    return { id, deadlineMs, body, caller: callerOf(headers) };
  }

  respond(id: string, answer: Uint8Array): Promise<void> {
    return this.#post(`/invocation/${id}/response`, answer);
  }

  fail(id: string, { category, document }: ErrorReport): Promise<void> {
    return this.#post(`/invocation/${id}/error`, JSON.stringify(document), { [ERROR_TYPE]: category });
  }

  /**
   * Sends an answer as it comes, as fast as it is taken.
   * @param brokenOff tells, behind what was sent, what broke it off
   */
  async stream(
    id: string,
    { contentType, pieces }: StreamedAnswer,
    brokenOff: (error: unknown) => ErrorReport,
  ): Promise<void> {
    const path = `/invocation/${id}/response`;
    const asked = request(this.#base + path, {
      agent: this.#agent,
      method: 'POST',
      headers: { 'content-type': contentType, [RESPONSE_MODE]: 'streaming', trailer: TRAILERS },
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    // Also when nobody waits for it yet.
    answered.catch(() => undefined);
    await send(asked, pieces).catch((error: unknown) => {
      const { category, document } = brokenOff(error);
      asked.addTrailers({
        [ERROR_TYPE]: category,
        [ERROR_BODY]: Buffer.from(JSON.stringify(document)).toString('base64'),
      });
    });
    asked.end();
    const [answer] = await answered;
    const body = await buffer(answer);
    if (answer.statusCode !== ACCEPTED) throw new RefusedError(path, answer.statusCode ?? 0, text(body));
  }

  initFailed({ category, document }: ErrorReport): Promise<void> {
    return this.#post('/init/error', JSON.stringify(document), { [ERROR_TYPE]: category });
  }

  async #post(
    path: string,
    content: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const typed = { 'content-type': 'application/json', ...headers };
    const { status, body } = await this.#send('POST', path, content, typed);
    if (status !== ACCEPTED) throw new RefusedError(path, status, text(body));
  }

  /** Once more where the connection that was kept had been closed at the other end meanwhile: nothing was taken then. */
  async #send(...asked: Request): Promise<Answer> {
    try {
      return await this.#ask(...asked);
    } catch (error) {
      if (error instanceof StaleError) return this.#ask(...asked);
      throw error;
    }
  }

  #ask(...[method, path, content, headers, signal]: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length = content === undefined ? {} : { 'content-length': Buffer.byteLength(content) };
      const options = {
        agent: this.#agent,
        method,
        headers: { ...headers, ...length },
        ...(signal ? { signal } : {}),
      };
      const asked = request(this.#base + path, options, (answer) => {
        buffer(answer).then(
          (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
          reject,
        );
      });
      const isStale = (error: NodeJS.ErrnoException) => asked.reusedSocket && error.code === 'ECONNRESET';
      asked.on('error', (error) => reject(isStale(error) ? new StaleError() : error)).end(content);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function callerOf(headers: IncomingHttpHeaders): Record<string, JsonValue> {
  const { [ARN]: invokedFunctionArn, [CLIENT_CONTEXT]: stated, [TRACE]: traceId } = headers;
  const clientContext = typeof stated === 'string' ? parse(stated) : undefined;
  return {
    ...(typeof invokedFunctionArn === 'string' ? { invokedFunctionArn } : {}),
    ...(clientContext === undefined ? {} : { clientContext }),
    ...(typeof traceId === 'string' ? { traceId } : {}),
  };
}

/** JSON in UTF-8, which Node reads as Latin-1. The caller made it: what cannot be read is none. */
function parse(header: string): JsonValue | undefined {
  try {
    return JSON.parse(Buffer.from(header, 'latin1').toString()) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Waits where nothing more is taken; ends where the connection has. */
async function send(asked: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const over = new AbortController();
  asked.once('close', () => over.abort());
  for await (const piece of pieces) {
    if (asked.destroyed) return;
    if (!asked.write(piece)) await once(asked, 'drain', { signal: over.signal }).catch(() => undefined);
  }
}

const text = (body: Buffer): string => body.toString('utf8');
