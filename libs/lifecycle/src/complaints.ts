import type { Log } from './logger.js';

/** One complaint of a kind in this time, ms. */
const QUIET_MS = 10_000;

/**
 * Warnings about messages, of which there may be thousands a second: one of each kind every ten seconds, with how
 * many went unsaid. Kinds are few and ours; what a message holds is never one.
 */
export class Complaints {
  readonly #kinds = new Map<string, { quietUntil: number; unsaid: number }>();

  constructor(
    private readonly log: Pick<Log, 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  warn(kind: string, message: string, fields: object): void {
    const known = this.#kinds.get(kind);
    if (known && this.now() < known.quietUntil) {
      known.unsaid++;
      return;
    }
    this.#kinds.set(kind, { quietUntil: this.now() + QUIET_MS, unsaid: 0 });
    this.log.warn(message, known?.unsaid ? { ...fields, alsoSince: known.unsaid } : fields);
  }
}
