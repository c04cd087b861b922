/** A consumer of WORK: who of the executors takes what. */
export interface WorkConsumer {
  /** `pool-default`, or `own=users=find`. */
  readonly name: string;
  /** Subjects, of which no other consumer may have any. */
  readonly filters: readonly string[];
  /** One at a time: the next is delivered when the one before is done. */
  readonly ordered: boolean;
}

/** The consumers of WORK, made and removed by the registry alone: what they take is kept also while nobody runs. */
export interface WorkConsumers {
  list(): Promise<WorkConsumer[]>;
  /** Makes it, or changes it in place: what waits stays. */
  put(consumer: WorkConsumer): Promise<void>;
  /** What waits for it stays in the stream, for whoever takes its subjects next. */
  remove(name: string): Promise<void>;
}
