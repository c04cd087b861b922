import { Gauge, type Registry } from 'prom-client';
import { CRON_SUBJECTS } from '#contracts';
import type { StockState } from '#fabric';
import type { WorkKeeper } from './work-keeper.js';

export interface StreamView {
  readonly messages: number;
  readonly bytes: number;
  /** At which it is full. */
  readonly maxBytes: number;
  /** RFC 3339; null: there is none. */
  readonly oldestAt: string | null;
}

/** What waits, and for whom. */
export interface Backlog {
  /** Accepted and not done, with what is scheduled for later. */
  readonly work: StreamView;
  readonly dead: StreamView;
  /** Cron triggers. */
  readonly schedules: number;
  readonly consumers: readonly {
    readonly name: string;
    readonly waiting: number;
    /** With an executor, or in back-off. */
    readonly inHand: number;
  }[];
}

/** Metrics that are asked for several times in this time are answered by one look. ms */
const FRESH_MS = 1_000;

/** Looks at the streams of work when somebody asks. */
export class Backlogs {
  #last: Promise<Backlog | undefined> | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly work: WorkKeeper,
    metrics: Registry,
  ) {
    this.#gauge(
      metrics,
      'mesh_work_messages',
      'Work that waits, runs or is scheduled.',
      (b) => b.work.messages,
    );
    this.#gauge(metrics, 'mesh_work_bytes', 'Bytes of it.', (b) => b.work.bytes);
    this.#gauge(metrics, 'mesh_work_oldest_seconds', 'Age of the oldest of it.', (b) => ageOf(b.work));
    this.#gauge(metrics, 'mesh_dead_letters', 'Dead letters.', (b) => b.dead.messages);
    this.#gauge(metrics, 'mesh_dead_bytes', 'Bytes of them.', (b) => b.dead.bytes);
    this.#gauge(metrics, 'mesh_dead_oldest_seconds', 'Age of the oldest of them.', (b) => ageOf(b.dead));
  }

  /** @throws MeshError `not-connected` */
  async look(): Promise<Backlog> {
    const { work, dead, consumers } = this.work.reach();
    const [workState, deadState, crons, states] = await Promise.all([
      work.state(),
      dead.state(),
      work.subjects(CRON_SUBJECTS),
      consumers.list(),
    ]);
    return {
      work: viewOf(workState),
      dead: viewOf(deadState),
      schedules: crons.size,
      consumers: states.map(({ name, waiting, inHand }) => ({ name, waiting, inHand })),
    };
  }

  #recent(): Promise<Backlog | undefined> {
    const now = performance.now();
    if (!this.#last || now - this.#lastAt > FRESH_MS) {
      this.#lastAt = now;
      // Without a connection there is nothing to tell; readiness says why.
      this.#last = this.look().catch(() => undefined);
    }
    return this.#last;
  }

  #gauge(metrics: Registry, name: string, help: string, value: (backlog: Backlog) => number): void {
    const recent = () => this.#recent();
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        const backlog = await recent();
        if (backlog) this.set(value(backlog));
      },
    });
  }
}

const viewOf = ({ messages, bytes, maxBytes, oldestAt }: StockState): StreamView => ({
  messages,
  bytes,
  maxBytes,
  oldestAt: messages === 0 ? null : new Date(oldestAt).toISOString(),
});

const ageOf = ({ oldestAt }: StreamView): number =>
  oldestAt === null ? 0 : Math.max(0, (Date.now() - Date.parse(oldestAt)) / 1_000);
