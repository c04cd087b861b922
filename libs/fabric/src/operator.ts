/** What one instance of a NATS micro-service (ADR-32) says of itself. */
export interface FoundService {
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly endpoints: readonly {
    readonly name: string;
    readonly subject: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

/** One line that a handler logged. */
export interface LogLine {
  /** RFC 3339. */
  readonly time: string;
  readonly path: string;
  readonly version: string;
  /** The mesh-id of the event. */
  readonly id: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
