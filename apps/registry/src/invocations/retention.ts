import { AUDIT_MAX_AGE_MS } from '#fabric';
import type { Log } from '#lifecycle';
import type { Catalogue } from '../catalogue/catalogue.js';
import { today } from '../catalogue/invocations/partitions.js';

const HOUR_MS = 3_600_000;
/** After an attempt that failed, ms. */
const RETRY_MS = 30_000;

/** Lets go of invocation records that are older than so many days, and makes room for those of the days to come. */
export class Retention {
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly catalogue: Pick<Catalogue, 'invocations'>,
    private readonly days: number,
    private readonly log: Log,
  ) {}

  /** The oldest day whose records are kept, as the number of days since 1970. */
  readonly firstDay = (): number => today() - this.days;

  /** Resolves after the first attempt. */
  async start(): Promise<void> {
    this.#current = this.#maintain();
    await this.#current;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#current;
  }

  async #maintain(): Promise<void> {
    let next = HOUR_MS;
    try {
      const dropped = await this.catalogue.invocations.maintain(this.firstDay(), AUDIT_MAX_AGE_MS);
      if (dropped > 0) this.log.info(`Days of invocation records let go: ${dropped}.`);
    } catch (error) {
      this.log.warn('Old invocation records cannot be let go now; trying on.', error);
      next = RETRY_MS;
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.start(), next);
  }
}
