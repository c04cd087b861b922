import type { EventEnvelope } from '../../../contracts/src/envelope.js';
import type { HttpV1Event, HttpV2Event, SqsEvent, SqsEventRecord } from './lambda-events.js';

/** An event as an executor would get it: what the ingresses make of a request is made of Lambda's form of it here. */
export interface Delivered {
  readonly envelope: EventEnvelope;
  readonly raw: Uint8Array;
  /** How often it was tried, this time included. */
  readonly attempt: number;
}

type Params = (path: string) => Readonly<Record<string, string>> | undefined;

/** @param params what the manifest's triggers make of a path: a gateway may know none, or only a catch-all's `proxy` */
export function fromHttpV2(event: HttpV2Event, id: string, params: Params): Delivered {
  const { rawQueryString = '', cookies = [], requestContext, pathParameters } = event;
  const path = pathOf(event);
  const headers = lowerCase(event.headers ?? {});
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  return http(event, id, headers, {
    method: requestContext.http.method,
    path,
    query: rawQueryString,
    params: { ...params(path), ...pathParameters },
  });
}

/** As the caller's path is in payload 1.0: in 2.0 the name of a stage stands before it. */
function pathOf({ rawPath = '/', requestContext: { stage } }: HttpV2Event): string {
  if (stage === undefined || stage === '$default' || !`${rawPath}/`.startsWith(`/${stage}/`)) return rawPath;
  return rawPath.slice(stage.length + 1) || '/';
}

export function fromHttpV1(event: HttpV1Event, id: string, params: Params): Delivered {
  const { httpMethod, path, pathParameters } = event;
  const several = lowerCase(event.multiValueHeaders ?? {});
  const headers = { ...lowerCase(event.headers ?? {}), ...joined(several) };
  return http(event, id, headers, {
    method: httpMethod,
    path,
    query: queryOf(event),
    params: { ...params(path), ...pathParameters },
  });
}

interface HttpPart {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly params: Readonly<Record<string, string>>;
}

function http(
  { body, isBase64Encoded }: { body?: string | null; isBase64Encoded?: boolean },
  id: string,
  headers: Record<string, string>,
  part: HttpPart,
): Delivered {
  const contentType = headers['content-type'];
  return {
    raw: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
    attempt: 1,
    envelope: {
      id,
      meta: { source: 'http', ...part, headers },
      ...(contentType === undefined ? {} : { contentType }),
    },
  };
}

/** Values of one name are one header: RFC 9110, clause 5.3; a cookie's are joined as RFC 6265, clause 5.4, says. */
const joined = (headers: Record<string, readonly string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.join(name === 'cookie' ? '; ' : ', ')]),
  );

const lowerCase = <T>(headers: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function queryOf(event: HttpV1Event): string {
  const { queryStringParameters, multiValueQueryStringParameters, requestContext } = event;
  const pairs = Object.entries(multiValueQueryStringParameters ?? queryStringParameters ?? {}).flatMap(
    ([name, value]) => [value].flat().map((one) => [name, one] as [string, string]),
  );
  if (requestContext?.elb !== undefined) return pairs.map(([name, value]) => `${name}=${value}`).join('&');
  return new URLSearchParams(pairs).toString();
}

/** One message as the SQS ingress gives it to a handler. */
export function fromSqsRecord(record: SqsEventRecord): Delivered {
  const { messageId, body, md5OfBody = '', attributes = {}, messageAttributes = {} } = record;
  const contentType = messageAttributes['content-type']?.stringValue;
  const { eventSourceARN: queueArn = '' } = record;
  const queue = queueOf(record);
  const known = { messageId, queue, queueArn, md5OfBody, systemAttributes: { ...attributes } };
  return {
    raw: Buffer.from(body),
    attempt: Number(attributes.ApproximateReceiveCount ?? 1) || 1,
    envelope: {
      id: messageId,
      meta: {
        source: 'sqs',
        caller: queue,
        attributes: {
          ...known,
          messageAttributes: messageAttributes as Record<string, Record<string, string>>,
        },
      },
      ...(contentType === undefined ? {} : { contentType }),
    },
  };
}

/** All messages as one event, for a handler whose trigger has a `batchSize`. */
export function fromSqsBatch({ Records }: SqsEvent, raw: Uint8Array, id: string): Delivered {
  const queue = queueOf(Records[0] as SqsEventRecord);
  const attributes = { queue, records: Records.length };
  return {
    raw,
    attempt: 1,
    envelope: {
      id,
      contentType: 'application/json',
      meta: { source: 'sqs', caller: queue, attributes },
    },
  };
}

/** `arn:aws:sqs:<region>:<account>:<name>` */
const queueOf = ({ eventSourceARN = '' }: SqsEventRecord): string => eventSourceARN.split(':').at(-1) ?? '';

export type Attributes = EventEnvelope['meta']['attributes'];

/** @param caller what Lambda says of who called */
export const fromCloudEvent = (raw: Uint8Array, id: string, caller: Attributes): Delivered =>
  fromLambda(raw, id, 'application/cloudevents+json', caller);

export const fromPayload = (raw: Uint8Array, id: string, caller: Attributes): Delivered =>
  fromLambda(raw, id, 'application/json', caller);

const fromLambda = (
  raw: Uint8Array,
  id: string,
  contentType: string,
  attributes: Attributes = {},
): Delivered => ({
  raw,
  attempt: 1,
  envelope: { id, contentType, meta: { source: 'lambda', attributes } },
});
