/** A consumer of WORK: who of the executors takes what. */
export interface WorkConsumer {
  /** `pool-default`, or `own=users=find`. */
  readonly name: string;
  /** Subjects, of which no other consumer may have any. */
  readonly filters: readonly string[];
  /** One at a time: the next is delivered when the one before is done. */
  readonly ordered: boolean;
  /** What it took before it lost some of it, with messages of it in hand. */
  readonly lost?: LostSubjects;
}

export interface LostSubjects {
  readonly before: readonly string[];
  /** Place in the stream up to which it had delivered then. */
  readonly upTo: number;
}

/** How far a consumer is. */
export interface WorkConsumerState extends WorkConsumer {
  /** Place in the stream up to which it has delivered what it takes. */
  readonly delivered: number;
  /** Place up to which nothing that it delivered is still in somebody's hands. */
  readonly ackFloor: number;
  /** Delivered and not done: in an executor's hands, or waiting for another attempt. */
  readonly inHand: number;
  /** Not delivered yet. */
  readonly waiting: number;
}

/** The consumers of WORK, made and removed by the registry alone: what they take is kept also while nobody runs. */
export interface WorkConsumers {
  list(): Promise<WorkConsumerState[]>;
  /**
   * Makes it, or changes it in place: what waits stays.
   * @param after only for a new one: place in the stream after which it begins
   */
  put(consumer: WorkConsumer, after?: number): Promise<void>;
  /** What waits for it stays in the stream, for whoever takes its subjects next. */
  remove(name: string): Promise<void>;
}
