import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { asMeshError } from '#contracts';
import { errorOutcome } from '#handler/runtime';
import type { HandlerSpec } from '../runtime.js';
import { initError, reportedError } from './answers.js';
import type { Exchange, Poll, Taken } from './exchange.js';
import type { HttpReply } from './http-answers.js';
import type { BodySink } from './http-body.js';
import { HttpConnection } from './http-connection.js';
import type { RequestHead } from './http-head.js';
import { invocationHeaders } from './invocation.js';
import { accept, invalidTransition, NOT_FOUND, type Rejection, reject, TOO_LARGE } from './rejections.js';
import { responseSink } from './response.js';
import { documentOf, shapedOf } from './shapes.js';
import { DISCARD, WholeBody } from './whole-body.js';

const BASE = '/2018-06-01/runtime/';
const ERROR_TYPE = 'lambda-runtime-function-error-type';
/** What stays of an error that is too long to be kept, beside its type in the header. */
const TOO_LARGE_ERROR = Buffer.from(JSON.stringify({ errorMessage: TOO_LARGE.errorMessage }));

/**
 * AWS Lambda's Runtime API for one program: "Using the Lambda runtime API for custom runtimes". On the loopback, on a
 * port of its own, since the paths of the API name nobody.
 */
export class RuntimeApi {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(
    private readonly spec: HandlerSpec,
    private readonly exchange: Exchange,
  ) {
    this.#server = createServer((socket) => this.#connected(socket));
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
    for (const socket of this.#sockets) socket.destroy();
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    new HttpConnection(socket, (head, reply) => this.#serve(head, reply));
  }

  #serve(head: RequestHead, reply: HttpReply): BodySink {
    const { method, target } = head;
    const [what, id = '', how, ...rest] = target.startsWith(BASE) ? target.slice(BASE.length).split('/') : [];
    if (method === 'GET' && what === 'invocation' && id === 'next' && how === undefined)
      return this.#next(reply);
    if (method !== 'POST' || rest.length > 0) return refuse(reply, NOT_FOUND);
    if (what === 'init' && id === 'error' && how === undefined) return this.#initError(head, reply);
    if (what === 'invocation' && how === 'response') return this.#response(id, head, reply);
    if (what === 'invocation' && how === 'error') return this.#error(id, head, reply);
    return refuse(reply, NOT_FOUND);
  }

  #next(reply: HttpReply): BodySink {
    const poll: Poll = {
      give: (taken) => this.#give(taken, poll, reply),
      supersede: () => reject(reply, invalidTransition('RuntimeReady', 'RuntimeReady')),
    };
    reply.onClose = () => this.exchange.leave(poll);
    const rejection = this.exchange.next(poll);
    return rejection ? refuse(reply, rejection) : DISCARD;
  }

  #give(taken: Taken, poll: Poll, reply: HttpReply): void {
    try {
      const shaped = shapedOf(this.spec, taken.run);
      taken.shaped = shaped;
      const send = (body: Uint8Array) => reply.respond('200 OK', invocationHeaders(taken, shaped), body);
      const document = documentOf(shaped);
      if (document instanceof Promise) document.then(send).catch((error) => this.#skip(taken, poll, error));
      else send(document);
    } catch (error) {
      this.#skip(taken, poll, error);
    }
  }

  /** The event has no form that the program could read: it waits on, as if there had been none. */
  #skip(taken: Taken, poll: Poll, error: unknown): void {
    const fault = asMeshError(error);
    this.exchange.settle(taken, errorOutcome(fault, taken.run[2], fault.cause));
    this.exchange.next(poll);
  }

  #response(id: string, head: RequestHead, reply: HttpReply): BodySink {
    const taken = this.exchange.claim(id, 'RuntimeInvocationResponse');
    if (!('run' in taken)) return refuse(reply, taken);
    return responseSink(this.exchange, taken, head, reply);
  }

  #error(id: string, head: RequestHead, reply: HttpReply): BodySink {
    const taken = this.exchange.claim(id, 'RuntimeInvocationErrorResponse');
    if (!('run' in taken)) return refuse(reply, taken);
    const whole = (body: Uint8Array, _trailers: string, isTooLarge: boolean) => {
      const told = isTooLarge ? TOO_LARGE_ERROR : body;
      this.exchange.settle(taken, reportedError(taken.run, head.header(ERROR_TYPE), told));
      if (isTooLarge) reject(reply, TOO_LARGE);
      else accept(reply);
    };
    return new WholeBody(whole, () => this.exchange.unclaim(taken));
  }

  #initError(head: RequestHead, reply: HttpReply): BodySink {
    const whole = (body: Uint8Array) => {
      const rejection = this.exchange.giveUp();
      if (rejection) return reject(reply, rejection);
      accept(reply);
      // It is ended as soon as this is known: a turn later it has been told.
      setImmediate(() => this.exchange.fail(initError(head.header(ERROR_TYPE), body)));
    };
    return new WholeBody(whole, () => undefined);
  }
}

function refuse(reply: HttpReply, rejection: Rejection): BodySink {
  reject(reply, rejection);
  return DISCARD;
}
