import type { IncomingHttpHeaders } from 'node:http';
import {
  type AsyncCall,
  type AsyncState,
  DEAD_LETTER_ROOM,
  decodeAsyncState,
  type EventEnvelope,
  encodeWaiting,
  encodeWork,
  HEADER_ROOM_BYTES,
  MeshError,
  type Route,
} from '#contracts';
import type { Keep, StreamWriter } from '#fabric';
import type { HttpResponse } from '../from-result.js';
import { acceptedAnswer } from './answers.js';
import { available } from './available.js';
import { fingerprintOf, idOfKey } from './idempotency.js';
import { publishAt } from './schedule.js';
import { candidates, withoutSecrets } from './secret-headers.js';
import type { Wish } from './wish.js';

/*
 * Request → claim in KV `mesh_results` → work in the stream → 202. Nothing is said to be accepted before the stream
 * has it on file.
 *
 *   ends between claim and work    the caller got no answer; with a key it sends again and the work is published under
 *                                  the same `Nats-Msg-Id`; without one the claim is forgotten in its time
 *   ends between work and 202      the same: the stream knows the id for 10 minutes, and for longer the claim says that
 *                                  the work is there (`published`)
 */

/** What accepts, where NATS is there. */
export interface AsyncPorts {
  readonly keep: Keep;
  readonly writer: StreamWriter;
  /** Bytes. */
  readonly maxBody: number;
}

export interface AsyncOptions {
  /** How long a result is kept, ms. */
  readonly keepMs: number;
  /** Header names, in lower case, that work never has. */
  readonly dropHeaders: readonly string[];
  /** All callers share one token, so a key is as good from any address. */
  readonly oneToken: boolean;
  /** @throws MeshError `bad-request` when results may not go there */
  readonly checkCallback: (url: string) => Promise<void>;
}

/** A request whose caller does not wait. */
export interface AsyncRequest {
  readonly event: EventEnvelope;
  readonly route: Route;
  readonly headers: IncomingHttpHeaders;
  /** Network of the peer. */
  readonly network: string | undefined;
  readonly body: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

export class AsyncCalls {
  constructor(private readonly options: AsyncOptions) {}

  /**
   * @throws MeshError `not-connected` or `queue-full`: nothing was accepted, or it is not certain: send it again with
   *   the same key; `no-version`, `key-reused`, `ended`, `payload-too-large`, `bad-request`
   */
  async accept(request: AsyncRequest, wish: Wish, ports: AsyncPorts): Promise<HttpResponse> {
    const { event, route } = request;
    if (candidates(route, event.version).length === 0)
      throw new MeshError('no-version', `There is no ${event.version} of ${route.path}.`);
    if (wish.callback !== undefined) await this.options.checkCallback(wish.callback);
    const accepted =
      wish.key === undefined
        ? await this.#acceptOnce(request, wish, ports)
        : await this.#acceptKeyed(request, wish, wish.key, ports);
    return acceptedAnswer(accepted.id, accepted.state);
  }

  async #acceptOnce(request: AsyncRequest, wish: Wish, ports: AsyncPorts): Promise<Accepted> {
    const { id } = request.event;
    const call = this.#callOf(request, wish, undefined);
    await available(ports.keep.put(id, encodeWaiting(call), NO_BYTES));
    try {
      await this.#publish(id, request, wish, call, ports);
    } catch (error) {
      // Not certain to be absent from the stream; but nobody was told of this id.
      void ports.keep.remove(id).catch(() => undefined);
      throw error;
    }
    return { id, state: { state: 'waiting', call } };
  }

  async #acceptKeyed(request: AsyncRequest, wish: Wish, key: string, ports: AsyncPorts): Promise<Accepted> {
    const id = idOfKey(request.route.path, this.#callerOf(request), key);
    const fingerprint = fingerprintOf(request.event, request.headers, request.body);
    const claim = await this.#claim(id, this.#callOf(request, wish, fingerprint), ports.keep);
    const { state, revision } = claim;
    if (state.call.fingerprint !== fingerprint) throw new MeshError('key-reused');
    if (state.state === 'cancelled')
      throw new MeshError('ended', 'The request with this idempotency key was cancelled.');
    if (state.state === 'waiting' && !state.call.published) {
      await this.#publish(id, request, wish, state.call, ports);
      const published = { ...state.call, published: true };
      // Fine when it fails, or the executor was faster: for as long as the stream knows the id it is not needed.
      void ports.keep.replace(id, revision, encodeWaiting(published), NO_BYTES).catch(() => undefined);
    }
    return { id, state };
  }

  /** The first to come writes it; everyone gets what is there then. */
  async #claim(id: string, call: AsyncCall, keep: Keep): Promise<{ state: AsyncState; revision: number }> {
    const revision = await available(keep.replace(id, 0, encodeWaiting(call), NO_BYTES));
    if (revision !== undefined) return { state: { state: 'waiting', call }, revision };
    const kept = await available(keep.get(id));
    // Forgotten in this very moment.
    if (!kept) throw new MeshError('not-connected');
    return { state: decodeAsyncState(kept.headers), revision: kept.revision };
  }

  async #publish(
    id: string,
    { event: { timeout: _, ...event }, route, body }: AsyncRequest,
    { times, callback }: Wish,
    { acceptedAt, startsAt }: AsyncCall,
    { writer, maxBody }: AsyncPorts,
  ): Promise<void> {
    const headers = encodeWork(route.path, {
      ...event,
      id,
      acceptedAt,
      keep: true,
      meta: withoutSecrets(event.meta, route, event.version, this.options.dropHeaders),
      ...(times.expires === undefined ? undefined : { expires: times.expires }),
      ...(callback === undefined ? undefined : { callback }),
    });
    if (headers.length + body.length > maxBody + HEADER_ROOM_BYTES - DEAD_LETTER_ROOM)
      throw new MeshError('payload-too-large', `Body and headers together are too large to be kept.`);
    await available(publishAt(startsAt, id, route.path, headers, body, writer));
  }

  #callOf({ route }: AsyncRequest, { times, callback }: Wish, fingerprint: string | undefined): AsyncCall {
    const now = Date.now();
    const { startsAt } = times;
    const { keepMs } = this.options;
    return {
      path: route.path,
      acceptedAt: now,
      expires: (startsAt ?? now) + keepMs,
      keepMs,
      ...(startsAt === undefined ? undefined : { startsAt }),
      ...(fingerprint === undefined ? undefined : { fingerprint }),
      ...(callback === undefined
        ? undefined
        : { callback: { url: callback, state: 'waiting' as const, attempts: 0 } }),
    };
  }

  /** Whose key it is: two callers may use the same one. */
  #callerOf({ headers, network = '' }: AsyncRequest): string {
    return this.options.oneToken ? 'token' : (headers.authorization ?? network);
  }
}

interface Accepted {
  readonly id: string;
  readonly state: AsyncState;
}
