/** Counters of one handler as the NATS micro-service protocol (ADR-32) reports them. Times are nanoseconds. */
export interface EndpointStats {
  readonly requests: number;
  readonly errors: number;
  readonly lastError: string;
  readonly processingTime: number;
}

/** One handler of an executor. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly stats: EndpointStats;
}

/** What an executor tells of itself to who asks on `$SRV.>`. */
export interface DiscoveredService {
  /** `[A-Za-z0-9_-]+` */
  readonly name: string;
  readonly id: string;
  /** A semantic version. */
  readonly version: string;
  readonly description: string;
  /** RFC 3339. */
  readonly started: string;
  endpoints(): Iterable<Endpoint>;
  /**
   * The endpoint of one handler, for who asks `INFO` with `{"path":"users/find"}`: among 10,000 it need not be looked
   * for, and is not left out. With metadata `revision` 0 when this service will run the path once there is a route.
   */
  endpointOf?(path: string): Endpoint | undefined;
}

export interface Discovery {
  stop(): Promise<void>;
}
