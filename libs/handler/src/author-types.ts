/*
 * What a handler's author sees: events, contexts, answers, options. These types are published alone (`.d.ts`), so
 * they refer to nothing but the platform. A spec holds them against the manifest's schema.
 */

/** Where an event came from. */
export type Source = 'http' | 'mqtt' | 'sqs' | 'nats' | 'lambda' | 'cron' | 'call';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** Names with one or several values. Has no prototype, so that no name is special. */
export type Values = Record<string, string | string[]>;

/** What a caller of the mesh stated as CloudEvents 1.0 context attributes. */
export interface CloudEvent {
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
}

/** A message of an SQS queue, in the words of AWS Lambda. */
export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** `ApproximateReceiveCount`, `SentTimestamp`, …; of a FIFO queue also `MessageGroupId`, `SequenceNumber`, … */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, SqsRecordAttribute>>;
  readonly md5OfBody: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

export interface SqsRecordAttribute {
  /** `String`, `Number` or `Binary`, each perhaps with a suffix such as `Number.int`. */
  readonly dataType: string;
  readonly stringValue?: string;
  /** base64 */
  readonly binaryValue?: string;
  readonly stringListValues: readonly string[];
  readonly binaryListValues: readonly string[];
}

/** A file of a `multipart/form-data` body. */
export interface UploadedFile {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Uint8Array;
}

/** What happened: the one argument that every source fills in the same way. */
export interface HandlerEvent<Body = unknown> {
  /** The mesh-id: a UUIDv7, unique for every event. */
  readonly id: string;
  /** The control path that was called, such as `users/find`. */
  readonly path: string;
  readonly source: Source;
  /** RFC 3339; when the caller stated none, when the event reached the handler. */
  readonly time: string;
  /** HTTP's method; absent from other sources. */
  readonly method: string | undefined;
  /**
   * What the caller asked with. HTTP: the query string. Other sources have none, so the fields of the JSON object that
   * they sent: scalars as strings, arrays of scalars as string[]; null and nested values are in `body` alone.
   */
  readonly query: Values;
  /** Parameters of the trigger's path or topic filter, decoded. */
  readonly params: Record<string, string>;
  /** HTTP's headers, names in lower case. */
  readonly headers: Values;
  /**
   * Decoded by content type: JSON; `text/*` a string; a URL-encoded form {@link Values}; multipart the same with
   * {@link UploadedFile}s; anything else the bytes. Without a content type: JSON if it parses, else text if it is
   * UTF-8, else the bytes. An empty body is `null`.
   */
  readonly body: Body;
  /** The body as it was sent. */
  readonly raw: Uint8Array;
  /** What else the source knows: an MQTT topic and QoS, the attributes of an SQS message. */
  readonly attributes: Record<string, JsonValue>;
  readonly cloudEvent: CloudEvent | undefined;
  /**
   * The messages of an SQS trigger with `batchSize`; absent from all other events. `{ batchItemFailures: [{
   * itemIdentifier: messageId }] }` as the answer says which of them failed; FAIL or a throw: all.
   */
  readonly Records?: readonly SqsRecord[];
}

/**
 * What a handler with `body: 'stream'` gets: the body as it comes, whatever its size and its type, in the place of `body`
 * and `raw`.
 */
export interface StreamedEvent extends Omit<HandlerEvent, 'body' | 'raw' | 'Records'> {
  readonly body?: undefined;
  readonly raw?: undefined;
  /**
   * `for await (const piece of event.stream)`. Taking a piece asks for more, so that a slow handler slows the sender; what
   * is left when the handler has ended is not sent. It throws where the sender goes away in the middle.
   */
  readonly stream: ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>;
}

/** An answer with HTTP's details, as Lambda knows it. It is OK whatever its status. */
export interface HttpAnswer {
  /** 200–599. */
  readonly statusCode: number;
  readonly headers?: AnswerHeaders;
  /** Whole `Set-Cookie` values. */
  readonly cookies?: readonly string[];
  /** Text as it is, bytes as they are, a stream as it comes, anything else as JSON. */
  readonly body?: unknown;
  /** The body is base64 text and stands for its bytes. */
  readonly isBase64Encoded?: boolean;
}

export type AnswerHeaders = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface AnswerOptions {
  /** OK: 200–599, unless stated 200 (204 without a body). FAIL: 400–599, unless stated 400. */
  readonly status?: number;
  readonly headers?: AnswerHeaders;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
type LogLine = (message: string, fields?: Readonly<Record<string, unknown>>) => void;
/** `context.log('text', { … })` is `info`. */
export type HandlerLog = LogLine & Readonly<Record<LogLevel, LogLine>>;

export interface CallOptions {
  /** A version or an alias of the handler that is called. */
  readonly version?: string;
  /** Milliseconds; never more than what is left of this event's own time. */
  readonly timeout?: number;
}

/** With what {@link HandlerContext.call} rejects. */
export interface CallError extends Error {
  /** `failed` for the other handler's FAIL, else a code of docs/errors.md such as `no-route`. */
  readonly code: string;
  readonly status: number;
  /** The decoded body of the answer, if there was one. */
  readonly body: unknown;
}

/** How a handler answers, and what it knows of its own run. */
export interface HandlerContext {
  /**
   * States the outcome. The first call counts; later ones are logged. It does not end the handler: `return` it.
   * A handler that throws afterwards has failed all the same.
   *
   * Work, for which nobody waits, is tried again after a throw, and not after FAIL: that is final. Either may say
   * "later": FAIL by the header `retry-after` (seconds), a thrown error by a property `retryAfter` (seconds).
   */
  (outcome: 'OK' | 'FAIL', body?: unknown, options?: AnswerOptions): void;
  /** The version of this handler that runs. */
  readonly version: string;
  /** 1 for the first attempt at this event. */
  readonly attempt: number;
  /** Milliseconds until this run is stopped; never negative. */
  remainingTime(): number;
  /** Aborts when the deadline passes or the caller goes away. */
  readonly signal: AbortSignal;
  readonly log: HandlerLog;
  /** Calls another handler and resolves to its decoded answer. @throws {@link CallError} unless that is OK */
  call<T = unknown>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
}

/**
 * What it returns is its answer: text, bytes, {@link HttpAnswer}, anything that has JSON, or a stream of these: a web stream,
 * a Node stream, a generator or anything else asynchronous to iterate. A list is no stream.
 */
/**
 * What a context has beside, for a handler with another `event` than `mesh` and for a caller of Lambda's API: the
 * members that Lambda's own runtime gives.
 */
export interface LambdaContext {
  /** The mesh-id. */
  readonly awsRequestId: string;
  /** The control path. */
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
  readonly clientContext: JsonValue | undefined;
  readonly identity: undefined;
}

export type HandlerFunction<Body = unknown> = (event: HandlerEvent<Body>, context: HandlerContext) => unknown;
export type StreamedHandlerFunction = (event: StreamedEvent, context: HandlerContext) => unknown;

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** What makes a handler run. Without any: every method on `/<path>`, and the MQTT topic `<path>`. */
export type HandlerTrigger =
  | { http: { method?: HttpMethod | HttpMethod[]; path?: string } }
  | { mqtt: { filter: string } }
  /** `queue`: name, ARN or URL. With `batchSize` (1–10) the handler takes Lambda's `event.Records`. */
  | { sqs: { queue: string; batchSize?: number } }
  | { cron: string; timezone?: string };

/** The documents that a handler may have been written for; docs/lambda.md shows each. */
export type EventShape = 'mesh' | 'apigateway-v1' | 'apigateway-v2' | 'sqs' | 'cloudevents' | 'payload';

export interface HandlerWork {
  /** How often it is tried before it is a dead letter; 5. */
  attempts?: number;
  /** Longest wait before the second attempt, ms; doubled for each one after it. 1,000. */
  backoffMs?: number;
  /** One at a time, in the order in which it was accepted: what fails holds up what comes after it. */
  ordered?: boolean;
  /** Secret headers of HTTP that the handler needs all the same, such as `authorization`; in lower case. */
  headers?: string[];
}

/** What a handler asks for, on each executor; the operator's bounds hold where they are lower. */
export interface HandlerLimits {
  /** Milliseconds that one attempt may take. */
  readonly timeoutMs?: number;
  /** Runs at once. */
  readonly concurrency?: number;
  /** Calls that may wait behind them; who comes then gets 429. */
  readonly queue?: number;
  /** More than one is for what keeps a processor busy. */
  readonly workers?: number;
  /** Workers that are kept ready although nobody calls. */
  readonly warm?: number;
  /** MB that each worker may have. */
  readonly memoryMb?: number;
  /** Bytes of a request's body; more is 413. */
  readonly payloadBytes?: number;
  /** Runs that begin in a second. */
  readonly ratePerSecond?: number;
  /** How many may begin at once after a pause, where there is a rate. */
  readonly burst?: number;
}

/** What an author states beside the path. It is read once, when the handler is packed. */
export interface HandlerOptions {
  /** A semantic version; absent: the one in package.json. */
  readonly version?: string;
  readonly description?: string;
  /** Free to use: owner, team, documentation. Kept with the version. */
  readonly meta?: Record<string, JsonValue>;
  /** JSON Schema of what the handler expects as its body (or query); shown to callers, not enforced. */
  readonly input?: Record<string, JsonValue>;
  readonly triggers?: HandlerTrigger[];
  /** `whole` unless stated. `stream`: it gets a {@link StreamedEvent}. */
  readonly body?: 'whole' | 'stream';
  /** What the handler is given, and how its answer is read; `mesh` unless stated. */
  readonly event?: EventShape;
  readonly limits?: HandlerLimits;
  /** How work, for which nobody waits, is treated. */
  readonly work?: HandlerWork;
  /** Environment names that the handler wants; it sees these and no others. */
  readonly env?: string[];
}
