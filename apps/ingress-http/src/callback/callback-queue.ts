import { decodeAttribute, decodeHeaders, decodeResult, isMeshError, type ResultEnvelope } from '#contracts';
import type { Keep, WorkItem, WorkPuller } from '#fabric';
import type { Log } from '#lifecycle';
import type { AllowedTargets, Resolve } from './allowed-targets.js';
import { noteOf, writeNote } from './note.js';
import { targetOf } from './resolve.js';
import { verdictOf, waitAfter } from './retry-plan.js';
import { send } from './send.js';
import { signatureOf } from './signature.js';

/*
 * Results on their way to their callers' URLs: stream CALLBACKS → POST → done, again later, or given up. A result leaves
 * the stream only when it was taken, or when its end is written down. At least once: a receiver tells by `mesh-id`.
 */

/** Sent at a time, by this process. */
const SLOTS = 64;
/** Of them, to one host: a slow one leaves room for the others. */
const SHARE = 16;
/** Before a host that has its share is looked at again, ms. */
const STEP_ASIDE_MS = 2_000;

export interface CallbackOptions {
  readonly secret: string;
  readonly allowed: AllowedTargets;
  readonly resolve: Resolve;
}

export interface CallbackPorts {
  readonly keep: Keep;
  readonly open: (onItem: (item: WorkItem) => void) => WorkPuller;
}

/** How one ended; for the metrics. */
export type CallbackEnd = 'sent' | 'again' | 'failed';

/** What one attempt came to. */
interface Attempt {
  readonly verdict: ReturnType<typeof verdictOf>;
  readonly error?: string;
  readonly retryAfter?: string;
}

interface Callback {
  readonly url: string;
  readonly result: ResultEnvelope;
  readonly item: WorkItem;
}

export class CallbackQueue {
  readonly #puller: WorkPuller;
  readonly #atHost = new Map<string, number>();
  readonly #inFlight = new Set<Promise<void>>();
  #stopping = false;

  constructor(
    private readonly options: CallbackOptions,
    private readonly ports: CallbackPorts,
    private readonly onEnd: (end: CallbackEnd) => void,
    private readonly log: Log,
  ) {
    this.#puller = ports.open((item) => this.#take(item));
    this.#puller.pull(SLOTS);
  }

  /** Takes no more; resolves when what is being sent has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#puller.stop();
    await Promise.all(this.#inFlight);
  }

  #take(item: WorkItem): void {
    const handled = this.#handle(item)
      // The stream gives it out again by its time limit.
      .catch((error: unknown) => this.log.warn('A callback could not be settled.', error))
      .finally(() => {
        this.#inFlight.delete(handled);
        if (!this.#stopping) this.#puller.pull(1);
      });
    this.#inFlight.add(handled);
  }

  async #handle(item: WorkItem): Promise<void> {
    const callback = this.#read(item);
    if (!callback) return item.done();
    const host = hostOf(callback.url);
    const busy = this.#atHost.get(host) ?? 0;
    if (busy >= SHARE) return item.later(STEP_ASIDE_MS * (1 + Math.random()));
    this.#atHost.set(host, busy + 1);
    try {
      await this.#settle(callback, await this.#attempt(callback));
    } finally {
      this.#leave(host);
    }
  }

  #leave(host: string): void {
    const left = (this.#atHost.get(host) ?? 1) - 1;
    if (left === 0) this.#atHost.delete(host);
    else this.#atHost.set(host, left);
  }

  #read(item: WorkItem): Callback | undefined {
    try {
      const headers = decodeHeaders(item.headers ?? new Uint8Array(0));
      return { url: decodeAttribute(headers['mesh-callback'] ?? ''), result: decodeResult(headers), item };
    } catch (error) {
      this.log.error('What stood in the stream of callbacks is none.', { subject: item.subject, error });
      return undefined;
    }
  }

  async #attempt({ url, result, item: { body } }: Callback): Promise<Attempt> {
    const { allowed, resolve, secret } = this.options;
    try {
      const target = await targetOf(url, allowed, resolve);
      const signature = signatureOf(secret, Math.floor(Date.now() / 1_000), body);
      const { status, retryAfter } = await send(target, headersOf(result, signature), body);
      const verdict = verdictOf(status);
      const error = verdict === 'sent' ? undefined : `The callback answered ${status}.`;
      return { verdict, ...(error && { error }), ...(retryAfter === undefined ? undefined : { retryAfter }) };
    } catch (error) {
      // The list or the name has changed since it was accepted.
      if (isMeshError(error)) return { verdict: 'never', error: error.detail ?? error.message };
      return { verdict: 'again', error: failureText(error) };
    }
  }

  async #settle({ url, result: { id }, item }: Callback, attempt: Attempt): Promise<void> {
    const { verdict, error, retryAfter } = attempt;
    const attempts = ((await noteOf(id, this.ports.keep))?.attempts ?? item.deliveries - 1) + 1;
    const age = Date.now() - item.storedAt;
    const wait = verdict === 'again' ? waitAfter(attempts, age, retryAfter, Math.random()) : undefined;
    const end = verdict === 'sent' ? 'sent' : wait === undefined ? 'failed' : 'again';
    const state = end === 'again' ? 'waiting' : end;
    await writeNote(
      id,
      { url, state, attempts, ...(error === undefined ? undefined : { error }) },
      this.ports.keep,
    );
    this.onEnd(end);
    if (wait !== undefined) return item.later(wait);
    if (end === 'failed')
      this.log.error('A callback was given up.', { id, host: hostOf(url), attempts, error });
    await item.done();
  }
}

function headersOf(
  { id, status, outcome, version, contentType }: ResultEnvelope,
  signature: string,
): Record<string, string> {
  return {
    'user-agent': 'lambda-mesh',
    'mesh-id': id,
    'mesh-status': String(status),
    'mesh-outcome': outcome,
    'mesh-signature': signature,
    ...(version === undefined ? undefined : { 'mesh-version': version }),
    ...(contentType === undefined ? undefined : { 'content-type': contentType }),
  };
}

/** For the caller, who asked for it: no address, no inside. */
function failureText(error: unknown): string {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'TimeoutError'
    ? 'The callback did not answer in time.'
    : `The callback was not reached (${code ?? name}).`;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');
