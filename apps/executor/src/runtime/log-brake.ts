import { monotonicNow } from './clock.js';

/** Lines of one worker a second that reach the log, a long one counted for each KB begun. */
const MOST_A_SECOND = 10_000;

/** Leaves out what a handler logs beyond what others could bear, and says how much that was. */
export class LogBrake {
  /** Until when a second is counted, and what of it. */
  #until = 0;
  #count = 0;
  #leftOut = 0;

  /** @param tell is given how many lines were left out, and whose event it was when that began */
  constructor(private readonly tell: (speaker: string, message: string) => void) {}

  /** More has come in this second than may be said. */
  get isOn(): boolean {
    return this.#count > MOST_A_SECOND;
  }

  /** @returns whether a line with so many characters may be said now */
  lets(speaker: string, characters: number): boolean {
    const now = monotonicNow();
    if (now >= this.#until) {
      this.#until = now + 1_000;
      this.#count = 0;
    }
    this.#count += 1 + (characters >> 10);
    if (!this.isOn) return true;
    this.#leaveOut(speaker);
    return false;
  }

  #leaveOut(speaker: string): void {
    if (this.#leftOut++ > 0) return;
    const tell = () => {
      const count = this.#leftOut;
      this.#leftOut = 0;
      this.tell(speaker, `… ${count} lines left out: there were more than ${MOST_A_SECOND} in a second.`);
    };
    setTimeout(tell, this.#until - monotonicNow()).unref();
  }
}
