import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asMeshError } from '#contracts';
import { errorOutcome } from '#handler/runtime';
import type { HandlerSpec } from '../runtime.js';
import { initError, reportedError } from './answers.js';
import type { Exchange, Poll, Taken } from './exchange.js';
import { nextAnswer } from './invocation.js';
import { headerOf, readBody } from './read-body.js';
import { accept, MOST_RESPONSE_BYTES, NOT_FOUND, type Rejection, reject, TOO_LARGE } from './rejections.js';
import { readResponse } from './response.js';

const BASE = '/2018-06-01/runtime/';
const NOTHING = new Uint8Array(0);
const ERROR_TYPE = 'lambda-runtime-function-error-type';

const bodyOf = (request: IncomingMessage) => readBody(request, MOST_RESPONSE_BYTES);

/**
 * AWS Lambda's Runtime API for one program: "Using the Lambda runtime API for custom runtimes". On the loopback, on a
 * port of its own, since the paths of the API name nobody.
 */
export class RuntimeApi {
  readonly #server: Server;

  constructor(
    private readonly spec: HandlerSpec,
    private readonly exchange: Exchange,
  ) {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // `next` is asked for once and answered whenever there is something to do.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** @returns `127.0.0.1:<port>` */
  listen(): Promise<string> {
    return new Promise((resolve, refuse) => {
      this.#server.once('error', refuse);
      this.#server.listen(0, '127.0.0.1', () => {
        resolve(`127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    try {
      const rejection = await this.#route(request, response);
      if (!rejection) return;
      // Read to its end: a client that is still sending would take an early answer for a broken connection.
      request.resume();
      reject(response, rejection);
    } catch {
      // The connection broke, and with it whoever would be told.
      response.destroy();
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<Rejection | undefined> {
    const { method, url = '' } = request;
    const [what, id = '', how, ...rest] = url.startsWith(BASE) ? url.slice(BASE.length).split('/') : [];
    if (method === 'GET' && what === 'invocation' && id === 'next' && how === undefined)
      return this.#next(response);
    if (method !== 'POST' || rest.length > 0) return NOT_FOUND;
    if (what === 'init' && id === 'error' && how === undefined) return this.#initError(request, response);
    if (what === 'invocation' && how === 'response') return this.#response(id, request, response);
    if (what === 'invocation' && how === 'error') return this.#error(id, request, response);
    return NOT_FOUND;
  }

  #next(response: ServerResponse): Rejection | undefined {
    const poll: Poll = { give: (taken) => this.#give(taken, response) };
    response.on('close', () => this.exchange.leave(poll));
    return this.exchange.next(poll);
  }

  #give(taken: Taken, response: ServerResponse): void {
    try {
      const { headers, body } = nextAnswer(this.spec, taken);
      response.writeHead(200, headers as string[]);
      response.end(body);
    } catch (error) {
      // The event has no form that the program could read: it polls on as if there had been none.
      this.exchange.settle(taken, errorOutcome(asMeshError(error), taken.run[2]));
      this.exchange.next({ give: (next) => this.#give(next, response) });
    }
  }

  async #response(
    id: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Rejection | undefined> {
    const taken = this.exchange.claim(id, 'RuntimeInvocationResponse');
    if (!('run' in taken)) return taken;
    const outcome = await this.#whole(taken, () => readResponse(this.spec, taken, request));
    this.exchange.settle(taken, outcome);
    if (outcome.outcome === 'answer-too-large') return TOO_LARGE;
    accept(response);
    return undefined;
  }

  async #error(
    id: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Rejection | undefined> {
    const taken = this.exchange.claim(id, 'RuntimeInvocationErrorResponse');
    if (!('run' in taken)) return taken;
    const body = await this.#whole(taken, () => bodyOf(request));
    this.exchange.settle(taken, reportedError(taken.run[2], headerOf(request, ERROR_TYPE), body ?? NOTHING));
    accept(response);
    return undefined;
  }

  async #initError(request: IncomingMessage, response: ServerResponse): Promise<Rejection | undefined> {
    const body = (await bodyOf(request)) ?? NOTHING;
    const rejection = this.exchange.giveUp();
    if (rejection) return rejection;
    // Told first: it is ended as soon as this is known.
    accept(response);
    response.once('close', () => this.exchange.fail(initError(headerOf(request, ERROR_TYPE), body)));
    return undefined;
  }

  /** What does not arrive whole may be sent again. */
  async #whole<T>(taken: Taken, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      this.exchange.unclaim(taken);
      throw error;
    }
  }
}
