import type { IncomingMessage, ServerResponse } from 'node:http';
import { asMeshError, type EventEnvelope, MeshError } from '#contracts';
import type { Log } from '#lifecycle';
import type { AccessCheck } from './access.js';
import { fromError, fromReply, type HttpResponse } from './from-result.js';
import type { MeshLink } from './mesh-link.js';
import { isBodiless, isUnasked, readBody } from './read-body.js';
import { checkHead } from './request-head.js';
import type { RequestMetrics } from './request-metrics.js';
import type { Found, Match, Router } from './router.js';
import { toEvent } from './to-event.js';

const NO_BYTES = new Uint8Array(0);

/** The data path of the ingress: request → event → call → answer. */
export class CallHandler {
  #inFlight = 0;
  #idle: (() => void)[] = [];
  #draining = false;

  constructor(
    private readonly router: Router,
    private readonly link: MeshLink,
    private readonly checkAccess: AccessCheck,
    private readonly metrics: RequestMetrics,
    private readonly log: Log,
  ) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  /** From now on every answer asks the client to open another connection. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when every request that arrived is answered. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Answers a request that is not for the mesh's own pages. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++;
    try {
      await this.#serve(request, response);
      if (!isTaken(response)) await new Promise((resolve) => response.once('close', resolve));
    } catch (error) {
      // A defect. Who waits learns of it at once, not by waiting.
      this.log.error('An answer could not be written.', error);
      response.destroy();
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const target = request.url as string;
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const found = this.router.find(request.method as string, path);
    const answer = await this.#answer(request, response, path, mark < 0 ? '' : target.slice(mark + 1), found);
    this.#write(request, response, answer);
    this.metrics.observe(
      found.kind === 'match' ? found.route.path : '',
      answer.status,
      performance.now() - started,
    );
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    found: Found,
  ): Promise<HttpResponse> {
    let event: EventEnvelope | undefined;
    try {
      const match = this.#check(request, found);
      if ('status' in match) return match;
      event = toEvent(request, path, query, match);
      if (!this.link.open) throw new MeshError('not-connected');
      const { connection, invoker } = this.link.open;
      const body = isBodiless(request) ? NO_BYTES : await readBody(request, response, connection.maxBody);
      return fromReply(await invoker.invoke(match.route.path, event, body));
    } catch (error) {
      const fault = asMeshError(error);
      if (fault.code === 'internal') this.log.error('A request failed.', fault);
      return fromError(fault, event?.id);
    }
  }

  /** Whom the request is for, or the answer where that settles it. @throws MeshError */
  #check(request: IncomingMessage, found: Found): Match | HttpResponse {
    checkHead(request);
    this.checkAccess(request.headers);
    if (!this.link.hasRoutes) throw new MeshError('not-connected');
    if (found.kind === 'none') throw new MeshError('no-route');
    if (request.method === 'OPTIONS' && !statesOptions(found)) return optionsAnswer(found.allow);
    if (found.kind === 'match') return found;
    return fromError(new MeshError('method-not-allowed'), undefined, allowed(found.allow));
  }

  #write(request: IncomingMessage, response: ServerResponse, { status, headers, body }: HttpResponse): void {
    if (this.#draining || isUnasked(request, response)) headers.push('connection', 'close');
    response.writeHead(status, headers);
    if (request.method === 'HEAD' || body.length === 0) response.end();
    else response.end(body);
  }
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
