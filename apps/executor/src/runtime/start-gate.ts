import { availableParallelism } from 'node:os';

/** Longest that a start keeps its place, ms: what takes longer waits for something, and must not keep the others waiting. */
const HOLD_MS = 500;

/**
 * Lets few workers start at the same time. Each start takes a processor for some 50 ms; sixty at once would each take
 * three seconds, and so would every run beside them. First come, first served.
 */
export class StartGate {
  readonly #waiting: (() => void)[] = [];

  constructor(
    private free: number = 2 * availableParallelism(),
    private readonly holdMs = HOLD_MS,
  ) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when it may start. @returns to be called when it has: it may be called again */
  async turn(): Promise<() => void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let held = true;
    const leave = () => {
      if (!held) return;
      held = false;
      clearTimeout(timer);
      this.#leave();
    };
    const timer = setTimeout(leave, this.holdMs).unref();
    return leave;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.free++;
  }
}
