import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type AsyncState, decodeAsyncState, encodeCancelled, MeshError } from '#contracts';
import type { Keep, Kept, StreamWriter } from '#fabric';
import { fromError, fromReply, type HttpResponse } from '../from-result.js';
import { stateAnswer } from './answers.js';
import { available } from './available.js';
import { readPrefer } from './prefer.js';
import { releaseSchedule } from './schedule.js';

/*
 * /invocations/<mesh-id>: GET its state, with `Prefer: wait=<seconds>` as soon as it is not waiting any more; DELETE to
 * cancel it. /invocations/<mesh-id>/result: GET what the handler answered, as it would have answered a call.
 */

const PREFIX = '/invocations/';
const TARGET = /^\/invocations\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\/result)?$/;
/** The longest wait, s: below the limits of most proxies. */
const MAX_WAIT_S = 30;
/** Who comes while so many wait is answered at once. */
const MAX_WAITING = 1_000;
const FIRST_PAUSE_MS = 25;
const MOST_PAUSE_MS = 500;
const NO_BYTES = new Uint8Array(0);

export interface InvocationPorts {
  readonly keep: Keep;
  readonly writer: StreamWriter;
  /** Tells who runs it that nobody wants it any more. */
  readonly cancel: (id: string) => void;
}

interface Found {
  readonly kept: Kept;
  readonly state: AsyncState;
}

export const isInvocation = (path: string): boolean => path.startsWith(PREFIX);

export class Invocations {
  #waiting = 0;
  #draining = false;

  /** Whoever waits is answered now with what is known. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * @param isGone whether nobody reads the answer any more
   * @throws MeshError `not-found`, `ended` for what is done, `not-connected`
   */
  async answer(
    { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
    path: string,
    ports: InvocationPorts,
    isGone: () => boolean,
  ): Promise<HttpResponse> {
    const [, id, result] = TARGET.exec(path) ?? [];
    if (id === undefined) throw new MeshError('not-found');
    if (method === 'DELETE' && result === undefined) return this.#cancel(id, ports);
    if (method !== 'GET' && method !== 'HEAD') return otherMethod(method, result === undefined);
    const wait = waitOf(headers.prefer as string | undefined);
    const { kept, state } = await this.#read(id, wait, ports.keep, isGone);
    const applied = wait === 0 ? [] : ['preference-applied', `wait=${wait}`];
    return result === undefined ? stateAnswer(id, state, kept.value, applied) : resultAnswer(id, state, kept);
  }

  async #read(id: string, seconds: number, keep: Keep, isGone: () => boolean): Promise<Found> {
    const end = performance.now() + seconds * 1_000;
    const found = await find(id, keep);
    if (found.state.state !== 'waiting' || seconds === 0 || this.#waiting >= MAX_WAITING) return found;
    this.#waiting++;
    try {
      return await this.#follow(id, end, keep, isGone, found);
    } finally {
      this.#waiting--;
    }
  }

  async #follow(id: string, end: number, keep: Keep, isGone: () => boolean, first: Found): Promise<Found> {
    let found = first;
    let pause = FIRST_PAUSE_MS;
    while (found.state.state === 'waiting' && performance.now() < end && !isGone() && !this.#draining) {
      await delay(Math.min(pause, Math.max(0, end - performance.now())));
      pause = Math.min(pause * 1.5, MOST_PAUSE_MS);
      found = await find(id, keep);
    }
    return found;
  }

  /** What was being run is told so, and its result is not kept. */
  async #cancel(id: string, { keep, writer, cancel }: InvocationPorts): Promise<HttpResponse> {
    for (;;) {
      const { kept, state } = await find(id, keep);
      if (state.state === 'done') throw new MeshError('ended', 'There is nothing left to cancel.');
      if (state.state === 'cancelled') return stateAnswer(id, state, NO_BYTES);
      const headers = encodeCancelled(state.call, Date.now());
      const revision = await available(keep.replace(id, kept.revision, headers, NO_BYTES));
      if (revision === undefined) continue;
      cancel(id);
      // Where it fails, the room is free when the time comes.
      if ((state.call.startsAt ?? 0) > Date.now())
        await releaseSchedule(id, state.call.path, writer).catch(() => undefined);
    }
  }
}

/** RFC 9110, clauses 9.3.7 and 15.5.6 */
function otherMethod(method: string | undefined, isState: boolean): HttpResponse {
  const allow = ['GET', 'HEAD', 'OPTIONS', ...(isState ? ['DELETE'] : [])];
  if (method === 'OPTIONS') return { status: 204, headers: ['allow', allow.join(', ')], body: NO_BYTES };
  return fromError(new MeshError('method-not-allowed'), undefined, allow);
}

async function find(id: string, keep: Keep): Promise<Found> {
  const kept = await available(keep.get(id));
  if (!kept) throw new MeshError('not-found', 'There never was such an invocation, or it has expired.');
  return { kept, state: decodeAsyncState(kept.headers) };
}

function resultAnswer(id: string, state: AsyncState, { value }: Kept): HttpResponse {
  switch (state.state) {
    case 'done':
      return fromReply({ result: state.result, body: value });
    case 'cancelled':
      throw new MeshError('cancelled');
    case 'waiting':
      return { ...stateAnswer(id, state, NO_BYTES), status: 202 };
  }
}

const waitOf = (prefer: string | undefined): number =>
  prefer === undefined ? 0 : Math.min(readPrefer(prefer).wait ?? 0, MAX_WAIT_S);
