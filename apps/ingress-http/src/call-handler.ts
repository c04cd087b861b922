import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  asMeshError,
  type CancelCode,
  cancelSubject,
  type EventEnvelope,
  MeshError,
  payloadLimitOf,
} from '#contracts';
import type { CallReply } from '#fabric';
import type { Log } from '#lifecycle';
import type { AccessCheck } from './access.js';
import type { AsyncCalls } from './async/async-calls.js';
import { type Invocations, isInvocation } from './async/invocations.js';
import { type Wish, wishOf } from './async/wish.js';
import { callerOf } from './caller.js';
import { endWith } from './end-with.js';
import { fromError, fromReply, type HttpResponse } from './from-result.js';
import { GoneClients } from './gone-clients.js';
import type { LambdaApi } from './lambda/lambda-api.js';
import { isLambda } from './lambda/target.js';
import type { MeshLink } from './mesh-link.js';
import { askForBody, isBodiless, isUnasked, readBody } from './read-body.js';
import { checkHead } from './request-head.js';
import type { RequestMetrics } from './request-metrics.js';
import type { Found, Match, Router } from './router.js';
import { isStreamed, StreamAnswers, type StreamedResponse } from './stream-answer.js';
import { type BodyLimits, takeBody } from './stream-body.js';
import { toEvent } from './to-event.js';

const NO_BYTES = new Uint8Array(0);
/** No handler's, since it is one of the mesh's own. */
const OWN: Found = { kind: 'none' };
const TIMED_OUT = 408;
/** How long answers in pieces may still go on when the ingress is to stop, ms: some have no end of their own. */
const LAST_STREAMS_MS = 30_000;

/** The data path of the ingress: request → event → call → answer. */
export class CallHandler {
  #inFlight = 0;
  #idle: (() => void)[] = [];
  #draining = false;
  readonly #streams = new StreamAnswers();
  readonly #clients = new GoneClients((meshId) => this.#gone(meshId));

  constructor(
    private readonly router: Router,
    private readonly link: MeshLink,
    private readonly checkAccess: AccessCheck,
    private readonly asyncCalls: AsyncCalls,
    private readonly invocations: Invocations,
    private readonly lambda: LambdaApi,
    private readonly metrics: RequestMetrics,
    private readonly log: Log,
    /** The operator's bound on a request's body, bytes; absent: what fits one message. */
    private readonly maxBody: number | undefined,
  ) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  /** From now on every answer asks the client to open another connection. @param streamsMs how long those in pieces may go on */
  drain(streamsMs = LAST_STREAMS_MS): void {
    this.#draining = true;
    this.invocations.drain();
    setTimeout(() => this.#streams.cut(), streamsMs).unref();
  }

  /** Resolves when every request that arrived is answered. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /**
   * Answers a request that is not for the mesh's own pages. Never rejects.
   *
   * Thousands may wait at once, and what each keeps meanwhile is copied by every collection: so this is the only frame of
   * a usual request that waits.
   */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++;
    const started = performance.now();
    try {
      const { path, query } = targetOf(request.url as string);
      let handler = '';
      let answer: HttpResponse;
      // With its own access, errors and limits. No trigger comes before it, or a handler would get others' payloads.
      if (isLambda(path))
        ({ path: handler, answer } = await this.lambda.answer(request, response, path, query));
      else {
        const found = isInvocation(path) ? OWN : this.router.find(request.method as string, path);
        if (found.kind === 'match') handler = found.route.path;
        answer = await this.#answer(request, response, path, query, found);
      }
      if (isStreamed(answer)) await this.#stream(request, response, answer);
      else this.#write(request, response, answer);
      this.metrics.observe(handler, answer.status, performance.now() - started);
      if (!isTaken(response)) await new Promise((resolve) => response.once('close', resolve));
    } catch (error) {
      // A defect. Who waits learns of it at once, not by waiting.
      this.log.error('An answer could not be written.', error);
      response.destroy();
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Never rejects but for a defect. */
  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    found: Found,
  ): HttpResponse | Promise<HttpResponse> {
    let meshId: string | undefined;
    try {
      this.#checkRequest(request);
      if (found === OWN) return this.#invocation(request, response, path);
      const match = this.#matchOf(request, found);
      if ('status' in match) return match;
      const event = toEvent(request, path, query, match);
      meshId = event.id;
      const wish = wishOf(request.headers, Date.now());
      if (wish) return this.#accept(request, response, event, match, wish);
      if (!isBodiless(request)) return this.#callWithBody(request, response, event, match);
      return this.#call(request, event, match, NO_BYTES);
    } catch (error) {
      return this.#fault(error, meshId);
    }
  }

  async #callWithBody(
    request: IncomingMessage,
    response: ServerResponse,
    event: EventEnvelope,
    match: Match,
  ): Promise<HttpResponse> {
    try {
      const body = await takeBody(request, response, match, this.#limits(this.#open().connection));
      return await this.#call(request, event, match, body);
    } catch (error) {
      return this.#fault(error, event.id);
    }
  }

  /** @throws MeshError `client-gone`, `not-connected` */
  #call(
    request: IncomingMessage,
    event: EventEnvelope,
    { route }: Match,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<HttpResponse> {
    const { invoker } = this.#open();
    const { socket } = request;
    if (socket.destroyed) throw new MeshError('client-gone');
    this.#clients.waits(socket, event.id);
    const isInPieces = !(body instanceof Uint8Array);
    return this.#answered(invoker.invoke(route.path, event, body), socket, event.id, isInPieces);
  }

  /** What it does not name, nobody keeps while the handler runs. */
  #answered(
    reply: Promise<CallReply>,
    socket: Socket,
    meshId: string,
    isInPieces: boolean,
  ): Promise<HttpResponse> {
    return reply.then(
      (answer) => {
        this.#clients.answered(socket, meshId);
        return fromReply(answer);
      },
      (error) => {
        this.#clients.answered(socket, meshId);
        if (isInPieces) this.#giveUp(socket, meshId);
        return this.#fault(error, meshId);
      },
    );
  }

  #fault(error: unknown, meshId: string | undefined): HttpResponse {
    const fault = asMeshError(error);
    if (fault.code === 'internal') this.log.error('A request failed.', fault);
    return fromError(fault, meshId);
  }

  /** Its handler need not go on. */
  #gone(meshId: string): void {
    this.link.open?.connection.publish(cancelSubject(meshId), 'client-gone' satisfies CancelCode);
  }

  /** @throws MeshError */
  #checkRequest(request: IncomingMessage): void {
    checkHead(request);
    this.checkAccess(request.headers);
    if (!this.link.hasRoutes) throw new MeshError('not-connected');
  }

  #open(): NonNullable<MeshLink['open']> {
    if (!this.link.open) throw new MeshError('not-connected');
    return this.link.open;
  }

  #limits({ maxBody }: NonNullable<MeshLink['open']>['connection']): BodyLimits {
    return { message: maxBody, most: this.maxBody ?? maxBody };
  }

  /** What the client sent cannot be used, or cannot be had: the handler need not go on with what it was given of it. */
  #giveUp(socket: Socket, meshId: string): void {
    if (socket.destroyed) return;
    this.link.open?.connection.publish(cancelSubject(meshId), 'cancelled' satisfies CancelCode);
  }

  async #accept(
    request: IncomingMessage,
    response: ServerResponse,
    event: EventEnvelope,
    { route }: Match,
    wish: Wish,
  ): Promise<HttpResponse> {
    try {
      const { keep, writer, connection } = this.#open();
      const { headers, socket } = request;
      const { message, most } = this.#limits(connection);
      const largest = Math.min(message, most, payloadLimitOf(route, event.version) ?? message);
      const body = isBodiless(request) ? NO_BYTES : await readBody(request, response, largest);
      const accepted = { event, route, headers, network: callerOf(socket), body };
      return await this.asyncCalls.accept(accepted, wish, { keep, writer, maxBody: connection.maxBody });
    } catch (error) {
      return this.#fault(error, event.id);
    }
  }

  async #invocation(request: IncomingMessage, response: ServerResponse, path: string): Promise<HttpResponse> {
    try {
      const { keep, writer, connection } = this.#open();
      const cancel = (id: string) => connection.publish(cancelSubject(id), '');
      return await this.invocations.answer(request, path, { keep, writer, cancel }, () => response.closed);
    } catch (error) {
      return this.#fault(error, undefined);
    }
  }

  /** Whom the request is for, or the answer where that settles it. @throws MeshError */
  #matchOf(request: IncomingMessage, found: Found): Match | HttpResponse {
    if (found.kind === 'none') throw new MeshError('no-route');
    if (request.method === 'OPTIONS' && !statesOptions(found)) return optionsAnswer(found.allow);
    if (found.kind === 'match') return found;
    return fromError(new MeshError('method-not-allowed'), undefined, allowed(found.allow));
  }

  async #stream(request: IncomingMessage, response: ServerResponse, answer: StreamedResponse): Promise<void> {
    // Once its head has gone out, a body can no longer be asked for, and the handler may still want it.
    askForBody(request, response);
    if (this.#isLast(request, response)) answer.headers.push('connection', 'close');
    try {
      await this.#streams.write(request, response, answer);
    } catch (error) {
      const { code, cause } = asMeshError(error);
      this.log.warn('An answer broke off.', { path: request.url, code, cause });
    }
  }

  /** Nothing more can be asked on this connection. */
  #isLast(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#draining || isUnasked(request, response);
  }

  #write(request: IncomingMessage, response: ServerResponse, { status, headers, body }: HttpResponse): void {
    // Of a request that was given up half way, no next one can be told.
    const isLast = this.#isLast(request, response) || status === TIMED_OUT;
    if (isLast) headers.push('connection', 'close');
    response.writeHead(status, headers);
    endWith(response, request.method === 'HEAD' ? NO_BYTES : body);
  }
}

/** Path and raw query of a request's target. */
function targetOf(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: '' };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** The system has all of an answer, or nobody is there to read it: a slow reader's is in flight until then. */
const isTaken = (response: ServerResponse): boolean =>
  response.writableFinished || response.closed || response.destroyed;

/** Only a handler that names OPTIONS in a trigger of its own answers it; for all others the mesh does. */
function statesOptions(found: Exclude<Found, { kind: 'none' }>): boolean {
  if (found.kind !== 'match') return false;
  return found.route.versions.some(({ triggers }) =>
    triggers.some((trigger) => 'http' in trigger && [trigger.http.method].flat().includes('OPTIONS')),
  );
}

const optionsAnswer = (allow: readonly string[]): HttpResponse => ({
  status: 204,
  headers: ['allow', allowed(allow).join(', ')],
  body: NO_BYTES,
});

/** OPTIONS always works, and HEAD wherever GET does. */
function allowed(methods: readonly string[]): string[] {
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])];
}
