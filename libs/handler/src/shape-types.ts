import type {
  AnswerHeaders,
  HandlerContext,
  HandlerEvent,
  JsonValue,
  LambdaContext,
  SqsRecord,
} from './author-types.js';

/*
 * The documents that a handler may ask for by `event`, as its author sees them. Published as types alone, like
 * `author-types`; what makes them is in `shapes/`.
 */

/** API Gateway's payload format 2.0. */
export interface ApiGatewayV2Event {
  readonly version: '2.0';
  /** `GET /users/{id}`, or `ANY …` for a trigger that takes any method. */
  readonly routeKey: string;
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly cookies?: readonly string[];
  /** Names in lower case, duplicates joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly accountId: string;
    readonly apiId: string;
    readonly domainName: string;
    readonly domainPrefix: string;
    readonly http: {
      readonly method: string;
      readonly path: string;
      readonly protocol: string;
      /** The caller's network, its host part zero. */
      readonly sourceIp: string;
      readonly userAgent: string;
    };
    readonly requestId: string;
    readonly routeKey: string;
    readonly stage: string;
    readonly time: string;
    /** ms since 1970 */
    readonly timeEpoch: number;
  };
  readonly body?: string;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly isBase64Encoded: boolean;
  readonly stageVariables?: Readonly<Record<string, string>>;
}

/** API Gateway's payload format 1.0. */
export interface ApiGatewayV1Event {
  readonly version: '1.0';
  readonly resource: string;
  readonly path: string;
  readonly httpMethod: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: Readonly<Record<string, readonly string[]>>;
  readonly queryStringParameters: Readonly<Record<string, string>> | null;
  readonly multiValueQueryStringParameters: Readonly<Record<string, readonly string[]>> | null;
  readonly requestContext: {
    readonly accountId: string;
    readonly apiId: string;
    readonly domainName: string;
    readonly domainPrefix: string;
    readonly extendedRequestId: string;
    readonly httpMethod: string;
    readonly identity: Readonly<Record<string, string | null>>;
    readonly path: string;
    readonly protocol: string;
    readonly requestId: string;
    readonly requestTime: string;
    /** ms since 1970 */
    readonly requestTimeEpoch: number;
    readonly resourceId: string | null;
    readonly resourcePath: string;
    readonly stage: string;
  };
  readonly pathParameters: Readonly<Record<string, string>> | null;
  readonly stageVariables: Readonly<Record<string, string>> | null;
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
}

/** What a handler of API Gateway answers; of 1.0 with `multiValueHeaders`, of 2.0 with `cookies`. */
export interface ApiGatewayAnswer {
  readonly statusCode: number;
  readonly headers?: AnswerHeaders;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

/** Which messages have failed; nothing, or an empty list: none. */
export interface SqsAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** CloudEvents 1.0 in its JSON form. */
export interface CloudEventDocument<Data = unknown> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly data?: Data;
  readonly data_base64?: string;
  readonly [extension: string]: Data | JsonValue | undefined;
}

/** What each `event` gives a handler. */
export interface ShapedEvents {
  readonly mesh: HandlerEvent;
  readonly 'apigateway-v1': ApiGatewayV1Event;
  readonly 'apigateway-v2': ApiGatewayV2Event;
  readonly sqs: SqsEvent;
  readonly cloudevents: CloudEventDocument;
  readonly payload: unknown;
}

export type ShapedHandlerFunction<Shape extends keyof ShapedEvents> = (
  event: ShapedEvents[Shape],
  context: HandlerContext & LambdaContext,
  /** Of Lambda up to Node.js 22: who has this parameter answers by it, or by a promise. */
  callback: (error?: unknown, result?: unknown) => void,
) => unknown;
