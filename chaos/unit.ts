import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './ledger.ts';

/** A process that was started for the run. */
export interface Started {
  readonly pid: number;
  /** Resolves when it is gone, whatever ended it. */
  readonly exited: Promise<void>;
  /** Its last lines. */
  log(): string;
  /** Ends it in order; absent: it is killed at the end as it was before. */
  stop?(): Promise<void>;
}

export interface UnitParts {
  /** `executor-1` */
  readonly name: string;
  launch(): Promise<Started>;
  /** Whether it does its work, asked again and again after a start and after a freeze. */
  ready(): Promise<boolean>;
  /** Breaks its connections to NATS, for units that have them. */
  readonly cable?: { shut(): void; open(): void };
}

type State =
  | { readonly phase: 'down' }
  /** The process runs; whether it is ready is being asked. */
  | { readonly phase: 'starting'; readonly process: Started }
  | { readonly phase: 'up'; readonly process: Started }
  | { readonly phase: 'frozen'; readonly process: Started }
  | { readonly phase: 'stopped' };

/** A time in which one process was this unit. */
interface Life {
  readonly pid: number;
  readonly from: number;
  until: number;
}

const ASK_EVERY_MS = 100;
/** Between two tries to start what did not start. */
const AGAIN_MS = 500;

/**
 * One process of the run, under supervision: down → starting → up ⇄ frozen, and up again by itself whatever ends it.
 *
 * Invariants: at most one process at a time; every pid that it had is on record with its time; an end that nobody
 * inflicted is a fault of its own (`end`), which the run counts as a failure.
 */
export class Unit {
  readonly name: string;
  readonly faults: Fault[] = [];
  readonly #parts: UnitParts;
  readonly #lives: Life[] = [];
  #state: State = { phase: 'down' };
  #downFor = 0;
  #expectsEnd = false;
  #oldLog = '';

  constructor(parts: UnitParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get phase(): State['phase'] {
    return this.#state.phase;
  }
  get canBeCut(): boolean {
    return this.#parts.cable !== undefined;
  }
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Whether the process with this pid was this unit then, or until a moment before. */
  was(pid: number, at: number): boolean {
    return this.#lives.some((life) => life.pid === pid && life.from <= at && at <= life.until);
  }

  /** The last lines that it wrote, before its last end too. */
  log(lines: number): string {
    const all = `${this.#oldLog}\n${this.#process?.log() ?? ''}`.trim().split('\n');
    return all.slice(-lines).join('\n');
  }

  /** Resolves when it is up. @throws what its launcher throws at the first start */
  async start(): Promise<void> {
    await this.#launch();
  }

  async untilUp(): Promise<void> {
    while (this.phase !== 'up' && this.phase !== 'stopped') await delay(20);
  }

  /** SIGKILL; it is started again after `downMs`. Resolves when it is up again. */
  async kill(downMs: number): Promise<Fault> {
    await this.untilUp();
    const fault = this.#inflict('kill');
    this.#downFor = downMs;
    this.#expectsEnd = true;
    this.#signal('SIGKILL');
    await this.#recovered(fault);
    return fault;
  }

  /** SIGSTOP, and SIGCONT after `ms`. Resolves when it is up again. */
  async freeze(ms: number): Promise<Fault> {
    await this.untilUp();
    const fault = this.#inflict('freeze');
    const process = this.#process as Started;
    this.#state = { phase: 'frozen', process };
    this.#signal('SIGSTOP');
    await delay(ms);
    this.#signal('SIGCONT');
    if (this.#process === process) await this.#becomesUp(process);
    await this.#recovered(fault);
    return fault;
  }

  /** Breaks its connections to NATS and lets no new one through for `ms`. Resolves when it is ready again. */
  async cut(ms: number): Promise<Fault> {
    await this.untilUp();
    const fault = this.#inflict('cut');
    this.#parts.cable?.shut();
    await delay(ms);
    this.#parts.cable?.open();
    while (this.phase !== 'stopped' && !(await this.#isReady())) await delay(ASK_EVERY_MS);
    fault.until = Date.now();
    return fault;
  }

  /** For good. A frozen process does not even die in order. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#state = { phase: 'stopped' };
    if (!process) return;
    signal(process.pid, 'SIGCONT');
    if (process.stop) return process.stop();
    signal(process.pid, 'SIGKILL');
    await process.exited;
  }

  get #process(): Started | undefined {
    return 'process' in this.#state ? this.#state.process : undefined;
  }

  get #isStopped(): boolean {
    return this.phase === 'stopped';
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#process) signal(this.#process.pid, name);
  }

  #inflict(kind: Fault['kind']): Fault {
    const fault: Fault = { kind, target: this.name, from: Date.now() };
    this.faults.push(fault);
    return fault;
  }

  async #recovered(fault: Fault): Promise<void> {
    // The process that was killed is still there for a moment.
    while (this.#expectsEnd && !this.#isStopped) await delay(10);
    await this.untilUp();
    fault.until = Date.now();
  }

  async #launch(): Promise<void> {
    const from = Date.now();
    const process = await this.#parts.launch();
    const life: Life = { pid: process.pid, from, until: Number.POSITIVE_INFINITY };
    this.#lives.push(life);
    if (this.#isStopped) return signal(process.pid, 'SIGKILL');
    this.#state = { phase: 'starting', process };
    void process.exited.then(() => this.#onExit(process, life));
    await this.#becomesUp(process);
  }

  async #becomesUp(process: Started): Promise<void> {
    while (this.#process === process && !(await this.#isReady())) await delay(ASK_EVERY_MS);
    if (this.#process === process) this.#state = { phase: 'up', process };
  }

  async #isReady(): Promise<boolean> {
    return this.#parts.ready().catch(() => false);
  }

  #onExit(process: Started, life: Life): void {
    life.until = Date.now();
    this.#oldLog = process.log();
    if (this.#isStopped) return;
    this.#state = { phase: 'down' };
    const end = this.#expectsEnd ? undefined : this.#inflict('end');
    this.#expectsEnd = false;
    void this.#startAgain().then(() => end && this.#recovered(end));
  }

  async #startAgain(): Promise<void> {
    await delay(this.#downFor);
    this.#downFor = 0;
    while (this.phase === 'down') {
      try {
        await this.#launch();
      } catch (error) {
        this.#oldLog = `${this.#oldLog}\n${String(error)}`;
        await delay(AGAIN_MS);
      }
    }
  }
}

/** One that is gone already is no error. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
