import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { ErrorReport } from './error-report.js';

/** An event that Lambda gave to run. */
export interface Next {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly body: Uint8Array;
}

const VERSION = '2018-06-01';
const ID = 'lambda-runtime-aws-request-id';
const DEADLINE = 'lambda-runtime-deadline-ms';
const ERROR_TYPE = 'lambda-runtime-function-error-type';
/** Where no deadline is stated: Lambda's longest, ms. */
const LONGEST_MS = 900_000;

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
    return { id, deadlineMs, body };
  }

  respond(id: string, json: string): Promise<void> {
    return this.#post(`/invocation/${id}/response`, json);
  }

  fail(id: string, { category, document }: ErrorReport): Promise<void> {
    return this.#post(`/invocation/${id}/error`, JSON.stringify(document), { [ERROR_TYPE]: category });
  }

  initFailed({ category, document }: ErrorReport): Promise<void> {
    return this.#post('/init/error', JSON.stringify(document), { [ERROR_TYPE]: category });
  }

  async #post(path: string, json: string, headers: Record<string, string> = {}): Promise<void> {
    const typed = { 'content-type': 'application/json', ...headers };
    const { status, body } = await this.#send('POST', path, json, typed);
    if (status !== 202) throw new RefusedError(path, status, text(body));
  }

  #send(
    method: string,
    path: string,
    content: string | undefined,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
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
      asked.on('error', reject).end(content);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const text = (body: Buffer): string => body.toString('utf8');
