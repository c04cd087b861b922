import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ControlPath } from '#contracts';
import { type Connection, type ServiceAnswer, survey } from '#fabric';

/** What every executor is called as a micro-service. */
const EXECUTOR = 'mesh-executor';
/** How long one executor is waited for, ms. */
const LONGEST_MS = 5_000;
/** Nobody knows how many there are: who is there has answered by then, unless it is very busy. ms */
const SETTLE_MS = 250;
/** So long the executors that answered are taken for those that there are, ms. */
const KNOWN_MS = 60_000;
/** The first question is asked again after this, each later one after twice as long, up to the last. ms */
const FIRST_MS = 10;
const LAST_MS = 250;

/** Ids of the running executors that run a path. */
export const executorsView = z.object({
  confirmed: z.array(z.string()).describe('They have this revision of the route, or a later one.'),
  missing: z.array(z.string()).describe('They answer, with an older one.'),
});
export type Confirmation = z.infer<typeof executorsView>;

export interface ConfirmationTimes {
  readonly settleMs: number;
  readonly longestMs: number;
}

/**
 * The executors, as far as the registry asks them anything: which revision of a route they have. When those that
 * answered the last time have answered again, there is nobody else to wait for: one that has started since has read
 * the routes as they are.
 */
export class Executors {
  #connection: Connection | undefined;
  /** Who answered the last time, and when that was. */
  #known: ReadonlySet<string> = new Set();
  #knownAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly times: ConfirmationTimes = { settleMs: SETTLE_MS, longestMs: LONGEST_MS }) {}

  follow(connection: Connection): void {
    this.#connection = connection;
  }

  /**
   * Resolves when every executor that runs the path has this revision, or when it has been waited for long enough.
   * @param revision 0: nothing is live, so there is nothing to wait for
   */
  async confirm(path: ControlPath, revision: number): Promise<Confirmation> {
    const connection = this.#connection;
    if (!connection?.connected || revision === 0) return { confirmed: [], missing: [] };
    const answers = new Answers(path, revision);
    const asking = survey(connection, EXECUTOR, path, (answer) => answers.add(answer));
    try {
      await this.#askUntil(() => asking.ask(), answers);
    } finally {
      asking.stop();
    }
    this.#known = answers.ids;
    this.#knownAt = performance.now();
    return answers.confirmation;
  }

  async #askUntil(ask: () => void, answers: Answers): Promise<void> {
    const started = performance.now();
    for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LAST_MS)) {
      ask();
      await delay(wait);
      const waited = performance.now() - started;
      if (answers.nobody || waited >= this.times.longestMs) return;
      if (answers.complete && (waited >= this.times.settleMs || this.#areAllIn(answers))) return;
    }
  }

  #areAllIn({ ids }: Answers): boolean {
    const isFresh = performance.now() - this.#knownAt < KNOWN_MS;
    return isFresh && this.#known.size > 0 && [...this.#known].every((id) => ids.has(id));
  }
}

/** The latest word of each executor. */
class Answers {
  readonly #revisions = new Map<string, number | undefined>();
  /** NATS itself says that nobody listens. */
  nobody = false;

  constructor(
    private readonly path: ControlPath,
    private readonly revision: number,
  ) {}

  add(answer: ServiceAnswer | undefined): void {
    this.nobody = answer === undefined;
    if (answer) this.#revisions.set(answer.id, this.#revisionIn(answer));
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#revisions.keys());
  }

  get complete(): boolean {
    return this.confirmation.missing.length === 0;
  }

  get confirmation(): Confirmation {
    const serving = [...this.#revisions].filter((entry): entry is [string, number] => entry[1] !== undefined);
    const ids = (has: boolean) =>
      serving.filter(([, revision]) => revision >= this.revision === has).map(([id]) => id);
    return { confirmed: ids(true).sort(), missing: ids(false).sort() };
  }

  /** `undefined`: it does not run the path. */
  #revisionIn({ endpoints }: ServiceAnswer): number | undefined {
    const found = endpoints.find(({ metadata }) => metadata.path === this.path);
    return found && Number(found.metadata.revision);
  }
}
