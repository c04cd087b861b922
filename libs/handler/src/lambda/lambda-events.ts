/*
 * What AWS Lambda hands to a function, as far as it is read here; every field may be absent, since anybody may invoke
 * a function with anything. API Gateway: "Create AWS Lambda proxy integrations for HTTP APIs" (payload 2.0), "Lambda
 * proxy integrations" (1.0). SQS: "Using Lambda with Amazon SQS".
 */

export interface HttpV2Event {
  readonly version: '2.0';
  readonly rawPath?: string;
  readonly rawQueryString?: string;
  readonly cookies?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly pathParameters?: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly http: { readonly method: string; readonly path?: string };
    /** `$default` has no place in the path. */
    readonly stage?: string;
  };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface HttpV1Event {
  readonly httpMethod: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string>> | null;
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[]>> | null;
  readonly pathParameters?: Readonly<Record<string, string>> | null;
  /** A load balancer's events have `elb`, and a query that is still encoded. */
  readonly requestContext?: { readonly elb?: unknown } | null;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

export interface SqsEvent {
  readonly Records: readonly SqsEventRecord[];
}

export interface SqsEventRecord {
  readonly messageId: string;
  readonly body: string;
  readonly md5OfBody?: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly messageAttributes?: Readonly<Record<string, { readonly stringValue?: string }>>;
}

/** A Lambda event, known by its form. */
export type Recognised =
  | { readonly form: 'apigateway-v2'; readonly event: HttpV2Event }
  | { readonly form: 'apigateway-v1'; readonly event: HttpV1Event }
  | { readonly form: 'sqs'; readonly event: SqsEvent }
  | { readonly form: 'cloudevents' }
  | { readonly form: 'payload' };

/** Tells by the fields that only that form has; what is none of them is a payload of the caller's own. */
export function recognise(value: unknown): Recognised {
  if (!isRecord(value)) return { form: 'payload' };
  const { version, requestContext, httpMethod, path, Records, specversion, type } = value;
  if (version === '2.0' && isRecord(requestContext) && isRecord(requestContext.http))
    return { form: 'apigateway-v2', event: value as unknown as HttpV2Event };
  if (typeof httpMethod === 'string' && typeof path === 'string')
    return { form: 'apigateway-v1', event: value as unknown as HttpV1Event };
  if (Array.isArray(Records) && Records.length > 0 && Records.every(isSqsRecord))
    return { form: 'sqs', event: value as unknown as SqsEvent };
  if (specversion === '1.0' && typeof type === 'string') return { form: 'cloudevents' };
  return { form: 'payload' };
}

const isSqsRecord = (record: unknown): boolean =>
  isRecord(record) &&
  record.eventSource === 'aws:sqs' &&
  typeof record.messageId === 'string' &&
  typeof record.body === 'string';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
