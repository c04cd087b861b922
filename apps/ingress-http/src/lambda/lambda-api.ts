import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  asMeshError,
  type CancelCode,
  cancelSubject,
  type EventEnvelope,
  MeshError,
  mintMeshId,
  type Route,
} from '#contracts';
import { wholeReply } from '#fabric';
import type { Log } from '#lifecycle';
import type { AsyncCalls } from '../async/async-calls.js';
import { candidates } from '../async/secret-headers.js';
import { callerOf } from '../caller.js';
import type { HttpResponse } from '../from-result.js';
import { GoneClients } from '../gone-clients.js';
import type { MeshLink } from '../mesh-link.js';
import { isBodiless, readBody } from '../read-body.js';
import { checkHead } from '../request-head.js';
import { describeFunction, describeFunctions } from './describe-function.js';
import { inEvents, streamedReply } from './event-stream.js';
import { fromError, fromReply, MAX_ANSWER } from './from-result.js';
import { parseFunctionName } from './function-name.js';
import type { Functions } from './functions.js';
import { invokeRequestOf, largestPayload, payloadOf } from './invoke-request.js';
import type { LambdaAccess } from './lambda-access.js';
import { ServiceError, serviceErrorAnswer } from './service-error.js';
import { type Target, targetOf } from './target.js';
import { toEvent } from './to-event.js';

/*
 * AWS Lambda's API in front of the mesh's handlers, so that its SDKs and command line call them.
 *
 *   target           address → operation
 *   lambda-access    who may call (`signature`: Signature Version 4)
 *   function-name    what the caller calls the function; `functions`: which handler that is
 *   invoke-request   headers and payload, checked
 *   to-event         → the event that goes to the executor; from there on it is a call like any other
 *   from-result      what came back → payload, or an error of the function
 *   event-stream     the same for InvokeWithResponseStream
 *   service-error    an error of the mesh → an error of the service, in the API's names
 *   describe-function  the few read-only operations that tools ask for
 */

const NO_BYTES = new Uint8Array(0);

export interface LambdaParts {
  readonly functions: Functions;
  readonly link: MeshLink;
  readonly access: LambdaAccess;
  readonly asyncCalls: AsyncCalls;
  readonly log: Log;
}

/** Whom a call is for. */
interface Called {
  readonly route: Route;
  readonly qualifier: string | undefined;
}

/** How far a request has come: what is known of it when it fails. */
interface Call {
  target: Target | undefined;
  called: Called | undefined;
  event: EventEnvelope | undefined;
}

export interface LambdaAnswer {
  /** Of the handler that it is about; empty where there is none, or was none yet. */
  readonly path: string;
  readonly answer: HttpResponse;
}

export class LambdaApi {
  readonly #clients = new GoneClients((id) => this.#gone(id));

  constructor(private readonly parts: LambdaParts) {}

  /** @param query raw, without `?`. Never rejects. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
  ): Promise<LambdaAnswer> {
    const call: Call = { target: undefined, called: undefined, event: undefined };
    try {
      checkHead(request);
      call.target = targetOf(request.method, path, query);
      return answered(call, await this.#serve(request, response, call));
    } catch (error) {
      return answered(call, this.#refusal(error, call.event?.id ?? mintMeshId()));
    } finally {
      if (call.event) this.#clients.answered(request.socket, call.event.id);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse, call: Call): Promise<HttpResponse> {
    const { target } = call;
    if (!target) throw new ServiceError('UnknownOperationException', 'The mesh has no such operation.');
    const checkBody = this.parts.access(request);
    if (target.operation === 'invoke' || target.operation === 'invoke-stream')
      return this.#invoke(request, response, target, checkBody, call);
    await checkBody(NO_BYTES);
    if (target.operation === 'list') return describeFunctions(this.#functions().all());
    call.called = this.#called(target);
    return describeFunction(target.operation, call.called.route, call.called.qualifier);
  }

  async #invoke(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    checkBody: (body: Uint8Array) => Promise<void>,
    call: Call,
  ): Promise<HttpResponse> {
    const asked = invokeRequestOf(request.headers);
    if (asked.type === 'Event' && target.operation === 'invoke-stream')
      throw new ServiceError('InvalidParameterValueException', 'Nobody would be there for the stream.');
    const limit = Math.min(largestPayload(asked.type), this.#open().connection.maxBody);
    const body = isBodiless(request) ? NO_BYTES : await readBody(request, response, limit);
    await checkBody(body);
    // Whether a function exists is told to none but who may call it.
    const called = this.#called(target);
    call.called = called;
    const payload = payloadOf(asked.type, body);
    if (asked.type === 'DryRun') return emptyAnswer(204, mintMeshId());
    const event = toEvent(called.route, called.qualifier, asked, callerOf(request.socket));
    call.event = event;
    return asked.type === 'Event'
      ? this.#accept(request, event, called, payload)
      : this.#call(request, event, called, payload, target.operation === 'invoke-stream');
  }

  async #call(
    { socket }: IncomingMessage,
    event: EventEnvelope,
    { route }: Called,
    payload: Uint8Array,
    inPieces: boolean,
  ): Promise<HttpResponse> {
    if (socket.destroyed) throw new MeshError('client-gone');
    this.#clients.waits(socket, event.id);
    const reply = await this.#open().invoker.invoke(route.path, event, payload);
    if (inPieces && reply.result.outcome === 'ok') return streamedReply(reply);
    return fromReply(await wholeReply(reply, MAX_ANSWER));
  }

  /** On the path of work, as `Prefer: respond-async`: 202 when the stream has it on file. */
  async #accept(
    { headers, socket }: IncomingMessage,
    event: EventEnvelope,
    { route }: Called,
    body: Uint8Array,
  ): Promise<HttpResponse> {
    const { keep, writer, connection } = this.#open();
    const request = { event, route, headers, network: callerOf(socket), body };
    await this.parts.asyncCalls.accept(request, { times: {} }, { keep, writer, maxBody: connection.maxBody });
    return emptyAnswer(202, event.id);
  }

  /** @throws ServiceError `ResourceNotFoundException` */
  #called({ name: text, qualifier: inQuery }: Target): Called {
    const { name, qualifier } = parseFunctionName(text, inQuery);
    const route = this.#functions().find(name);
    if (!route) throw new ServiceError('ResourceNotFoundException', `Function not found: ${name}`);
    if (candidates(route, qualifier).length === 0)
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${name}:${qualifier}`);
    return { route, qualifier };
  }

  #functions(): Functions {
    if (!this.parts.link.hasRoutes) throw new MeshError('not-connected');
    return this.parts.functions;
  }

  #open(): NonNullable<MeshLink['open']> {
    if (!this.parts.link.open) throw new MeshError('not-connected');
    return this.parts.link.open;
  }

  #gone(id: string): void {
    this.parts.link.open?.connection.publish(cancelSubject(id), 'client-gone' satisfies CancelCode);
  }

  #refusal(error: unknown, id: string): HttpResponse {
    if (error instanceof ServiceError) return serviceErrorAnswer(error, id);
    const fault = asMeshError(error);
    if (fault.code === 'internal') this.parts.log.error('An invocation failed.', fault);
    return fromError(fault, id);
  }
}

const answered = ({ target, called }: Call, answer: HttpResponse): LambdaAnswer => ({
  path: called?.route.path ?? '',
  answer: target?.operation === 'invoke-stream' ? inEvents(answer) : answer,
});

const emptyAnswer = (status: 202 | 204, id: string): HttpResponse => ({
  status,
  headers: ['x-amzn-requestid', id, ...(status === 202 ? ['mesh-id', id, 'content-length', '0'] : [])],
  body: NO_BYTES,
});
