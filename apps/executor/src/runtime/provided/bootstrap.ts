import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { MeshError } from '#contracts';
import { Guardian } from '../guardian.js';
import { MemoryGroup } from '../memory-group.js';
import { watchMemory } from '../memory-watch.js';
import type { WorkerLimits } from '../runtime.js';
import { bytesIn, type Scratch, scratchRoot } from '../scratch.js';
import { memoryDetail } from '../watch.js';
import { groupBytes } from './group-memory.js';
import type { Output } from './output.js';

/** After its end, how long what it still sent or printed may take to arrive, ms. */
const LAST_WORDS_MS = 50;
const SCRATCH_MS = 250;
/** All processes of this machine are looked at for those of the group: a millisecond or so. */
const CLOSEST_MS = 25;
const MB = 1024 * 1024;

let guardian: Guardian | undefined;

export interface BootstrapOptions {
  /** The artifact's files. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly scratch: Scratch;
  readonly limits: WorkerLimits;
  readonly output: Output;
  /** It has ended, or must not go on. */
  failed(fault: MeshError): void;
  /** The program itself has ended: nothing more may be given to what it left behind. */
  ended(): void;
}

/**
 * The program and whatever it starts: one process group, a leader of a session of its own, so that Ctrl-C in a
 * terminal reaches the executor alone.
 */
export class Bootstrap {
  readonly #child: ChildProcess;
  readonly gone: Promise<void>;
  #watch: NodeJS.Timeout | undefined;
  #stopMemory: (() => void) | undefined;
  #group: MemoryGroup | undefined;
  #isOver = false;
  #isLooking = false;

  /** @throws Error when this machine has no process, descriptor or memory left */
  constructor(private readonly options: BootstrapOptions) {
    const { folder, environment, output } = options;
    this.#child = spawn(join(folder, 'bootstrap'), [], {
      cwd: folder,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream) output.follow(stream);
    this.gone = new Promise((resolve) => this.#follow(resolve));
    if (this.#child.pid !== undefined) this.#keep(this.#child.pid);
  }

  end(): Promise<void> {
    this.#killGroup();
    return this.gone;
  }

  #follow(resolve: () => void): void {
    const child = this.#child;
    child.once('exit', (code, signal) => {
      this.options.ended();
      // What it left running has nobody to work for.
      this.#killGroup();
      const detail = this.#endedBy(code, signal);
      this.#letGo();
      this.#lastWords(crashed(detail));
      resolve();
    });
    child.once('error', (error) => {
      this.#letGo();
      this.options.failed(notStarted(error));
      resolve();
    });
  }

  #endedBy(code: number | null, signal: string | null): string {
    if (this.#group?.wasFull) return memoryDetail(this.options.limits);
    return signal ? `Its bootstrap was ended by ${signal}.` : `Its bootstrap ended with code ${code}.`;
  }

  /** An answer that was on its way is an answer; and the last lines may say why it ended. */
  #lastWords(fault: (cause: string) => MeshError): void {
    let isSaid = false;
    const say = () => {
      if (isSaid) return;
      isSaid = true;
      clearTimeout(timer);
      this.options.failed(fault(this.options.output.last));
    };
    const timer = setTimeout(say, LAST_WORDS_MS);
    this.#child.once('close', () => setImmediate(say));
  }

  #keep(pid: number): void {
    guardian ??= new Guardian(scratchRoot());
    // A negative number is that of a process group: kill(1).
    guardian.watch(-pid);
    this.#confine(pid);
    const { limits } = this.options;
    this.#stopMemory = watchMemory({
      memoryMb: limits.memoryMb,
      bytes: () => groupBytes(pid),
      exceeded: () => this.#exceeded(memoryDetail(limits)),
      closestMs: CLOSEST_MS,
    });
    this.#watch = setInterval(() => void this.#lookAtScratch(), SCRATCH_MS);
  }

  /** A limit that was asked for and does not hold is none. */
  #confine(pid: number): void {
    const { groups, memoryMb } = this.options.limits;
    if (groups === undefined) return;
    try {
      this.#group = MemoryGroup.around(groups, pid, memoryMb);
    } catch {
      this.#exceeded('Its memory could not be limited.');
    }
  }

  async #lookAtScratch(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { limits, scratch } = this.options;
    if ((await bytesIn(scratch.folder)) > limits.scratchMb * MB)
      this.#exceeded(
        `It wrote more than the ${limits.scratchMb} MB that a handler may keep in its scratch folder.`,
      );
    this.#isLooking = false;
  }

  #exceeded(detail: string): void {
    if (!this.#isOver) this.options.failed(new MeshError('worker-crashed', detail));
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  }

  #letGo(): void {
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#stopMemory?.();
    this.#group?.remove().catch(() => undefined);
    if (this.#child.pid !== undefined) guardian?.forget(-this.#child.pid);
    this.options.scratch.remove().catch(() => undefined);
  }
}

const crashed =
  (detail: string) =>
  (cause: string): MeshError =>
    new MeshError(
      'worker-crashed',
      detail,
      cause === '' ? {} : { cause: { name: 'Printed', message: cause } },
    );

function notStarted(error: NodeJS.ErrnoException): MeshError {
  const why =
    error.code === 'ENOENT'
      ? 'The interpreter that its first line names is not on this machine.'
      : error.code === 'EACCES'
        ? 'It may not be run: is the folder of TMPDIR mounted noexec?'
        : `${error.code ?? error.message}.`;
  return new MeshError('load-failed', `Its bootstrap could not be started. ${why}`, { cause: error });
}
