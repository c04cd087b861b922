import type { RunMessage } from '../worker-protocol.js';

const KEY = 1;

/** Runs that wait for a `next`, in the order in which they came. */
export class WaitingLine {
  readonly #runs: { readonly run: RunMessage; isDropped: boolean }[] = [];
  #left = 0;

  /** Runs that left the line: all that came before one of them have left it, too. */
  get left(): number {
    return this.#left;
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  add(run: RunMessage): void {
    this.#runs.push({ run, isDropped: false });
  }

  take(): RunMessage | undefined {
    const first = this.#shift();
    this.#skip();
    return first?.run;
  }

  /** Nobody waits for it any more. @returns whether it was here */
  drop(key: number): boolean {
    const found = this.#runs.find(({ run }) => run[KEY] === key);
    if (!found) return false;
    found.isDropped = true;
    this.#skip();
    return true;
  }

  #skip(): void {
    while (this.#runs[0]?.isDropped) this.#shift();
  }

  #shift() {
    const first = this.#runs.shift();
    if (first) this.#left++;
    return first;
  }
}
