import { Worker } from 'node:worker_threads';
import { asMeshError, type ErrorCode, MeshError } from '#contracts';
import { type CallRequest, errorOutcome, type Outcome } from '#handler/runtime';
import { LOAD_LIMIT_MS, loadTimeout } from './load-handler.js';
import { RunTable } from './run-table.js';
import type { HandlerPort, HandlerSpec, Instance, Invocation } from './runtime.js';
import { Batch, type FromThread, fromCrossing, type ThreadStart, type ToThread } from './thread-protocol.js';

/**
 * idle → starting → running → (crashed or unloadable: back to idle, so that the next call tries anew) → closed.
 * Only the phases with a worker own one.
 */
type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'starting' | 'running'; readonly worker: Worker | undefined; loadTimer?: NodeJS.Timeout }
  | { readonly name: 'closed' };

interface Run {
  readonly id: string;
  resolve(outcome: Outcome): void;
}

const IDLE: Phase = { name: 'idle' };
// The compiled worker; when this file itself runs from source, as in a spec, the one in dist.
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../../../dist/apps/executor/src/runtime/thread-worker.js', import.meta.url)
  : new URL('./thread-worker.js', import.meta.url);
// Larger bodies change hands without a copy; for small ones that costs more than the copy.
const TRANSFER_BYTES = 64 * 1024;

/**
 * Runs a handler in a worker thread of its own, started when it is first needed.
 *
 * Invariants: a run is in `#runs` exactly until its outcome is known or it is aborted; when a worker ends, for
 * whatever reason, every run that it had is answered at once; nothing passes between one worker and the runs and calls
 * of another.
 */
export class ThreadInstance implements Instance {
  readonly #spec: HandlerSpec;
  readonly #port: HandlerPort;
  readonly #runs = new RunTable<Run>();
  readonly #out: Batch<ToThread>;
  #phase: Phase = IDLE;
  /** What waits for a worker whose artifact is still being unpacked. */
  readonly #early: ToThread[] = [];
  #idle: (() => void)[] = [];

  constructor(spec: HandlerSpec, port: HandlerPort) {
    this.#spec = spec;
    this.#port = port;
    this.#out = new Batch(
      (messages) => this.#post(messages),
      // Several messages of one network read arrive in one turn: the microtask comes after the last of them.
      queueMicrotask,
    );
  }

  get inFlight(): number {
    return this.#runs.size;
  }

  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#runs.add(invocation.key, { id: invocation.id, resolve });
      if (this.#phase.name === 'closed') return this.#fail(new MeshError('shutting-down'));
      if (this.#phase.name === 'idle') void this.#start();
      const { key, id, headers, body, attempt, timeout } = invocation;
      this.#out.add(['run', key, id, headers, bodyToSend(body), attempt, timeout]);
    });
  }

  abort(key: number, reason: string): void {
    if (!this.#runs.take(key)) return;
    this.#out.add(['abort', key, reason]);
    this.#checkIdle();
  }

  async close(): Promise<void> {
    if (this.#runs.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const phase = this.#phase;
    this.#phase = { name: 'closed' };
    if ('worker' in phase) {
      clearTimeout(phase.loadTimer);
      await phase.worker?.terminate();
    }
  }

  #post(messages: ToThread[]): void {
    const phase = this.#phase;
    // No worker any more: whoever waited for these has been answered.
    if (!('worker' in phase)) return;
    if (phase.worker) phase.worker.postMessage(messages, transferOf(messages));
    else this.#early.push(...messages);
  }

  async #start(): Promise<void> {
    const spec = this.#spec;
    this.#phase = { name: 'starting', worker: undefined };
    try {
      const folder = await spec.folder();
      if ((this.#phase as Phase).name === 'closed') return;
      const start: ThreadStart = { ...pick(spec), folder };
      const worker = new Worker(WORKER_FILE, {
        workerData: start,
        name: `${spec.path}@${spec.version}`,
        env: { ...spec.environment },
        execArgv: ['--enable-source-maps'],
      });
      const loadTimer = setTimeout(() => this.#end(worker, loadTimeout()), LOAD_LIMIT_MS);
      this.#phase = { name: 'starting', worker, loadTimer };
      this.#listen(worker);
      this.#post(this.#early.splice(0));
    } catch (error) {
      this.#end(undefined, asMeshError(error));
    }
  }

  #listen(worker: Worker): void {
    worker.on('message', (messages: FromThread[]) => {
      for (const message of messages) this.#receive(worker, message);
    });
    worker.on('error', (error) => this.#end(worker, crashed('It threw where nobody could catch it.', error)));
    worker.on('exit', (code) => this.#end(worker, crashed(`Its thread ended with code ${code}.`)));
  }

  #receive(worker: Worker, message: FromThread): void {
    // Of a worker that was given up: what it had is answered, and its numbers of calls mean others by now.
    if (!this.#isCurrent(worker)) return;
    switch (message[0]) {
      case 'ready':
        return this.#ready(worker);
      case 'unloadable': {
        const [, code, detail, cause] = message;
        return this.#end(worker, new MeshError(code, detail, { cause }));
      }
      case 'done':
        return this.#done(message[1], { ...message[2], body: fromCrossing(message[3]) });
      case 'log': {
        const [, id, level, text, fields] = message;
        return this.#port.log(this.#spec, id, level, text, fields);
      }
      case 'call':
        void this.#call(worker, message[1], message[2], message[3]);
        return;
    }
  }

  #ready(worker: Worker): void {
    if (this.#phase.name !== 'starting') return;
    clearTimeout(this.#phase.loadTimer);
    this.#phase = { name: 'running', worker };
    this.#port.state(this.#spec, undefined);
  }

  #done(key: number, outcome: Outcome): void {
    this.#runs.take(key)?.resolve(outcome);
    this.#checkIdle();
  }

  async #call(worker: Worker, call: number, path: string, request: CallRequest): Promise<void> {
    const reply = await this.#port
      .call(path, request)
      .catch((error: unknown): ErrorCode => asMeshError(error).code);
    if (this.#isCurrent(worker)) this.#out.add(['reply', call, reply]);
  }

  #isCurrent(worker: Worker | undefined): boolean {
    return 'worker' in this.#phase && this.#phase.worker === worker;
  }

  /** The worker is of no more use: answers what it had and goes back to idle. Later events of it count for nothing. */
  #end(worker: Worker | undefined, fault: MeshError): void {
    const phase = this.#phase;
    if (!('worker' in phase) || !this.#isCurrent(worker)) return;
    clearTimeout(phase.loadTimer);
    this.#phase = IDLE;
    this.#early.length = 0;
    void worker?.terminate();
    this.#port.state(this.#spec, { code: fault.code, detail: fault.detail ?? fault.message });
    this.#fail(fault);
  }

  #fail(fault: MeshError): void {
    for (const { id, resolve } of this.#runs.takeAll()) resolve(errorOutcome(fault, id, fault.cause));
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#runs.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** A view would take its whole buffer along, so it is cut out first; `undefined` is the cheapest empty body. */
function bodyToSend(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  // Not slice(): of a Buffer, which is what the network gives, that is a view again.
  return body.length === 0 ? undefined : new Uint8Array(body);
}

/** Taken from the messages themselves: a buffer that goes ahead of its message arrives empty. */
function transferOf(messages: readonly ToThread[]): ArrayBuffer[] {
  const transfer: ArrayBuffer[] = [];
  for (const message of messages) {
    const body = message[0] === 'run' ? message[4] : undefined;
    if (body !== undefined && body.length >= TRANSFER_BYTES) transfer.push(body.buffer);
  }
  return transfer;
}

const crashed = (detail: string, cause?: unknown) => new MeshError('worker-crashed', detail, { cause });

function pick({ path, version, entry, export: exportName }: HandlerSpec): Omit<ThreadStart, 'folder'> {
  return { path, version, entry, export: exportName };
}
