import type { EventEnvelope } from '../../contracts/src/envelope.js';
import type { Values } from './author-types.js';
import { decodeBody } from './decode-body.js';
import type { Outcome } from './outcome.js';
import type { Taken } from './test-stream.js';
import type { LogEntry, TestAnswer, TestEvent } from './test-types.js';

let minted = 0;
/** An id of the mesh's form, a new one each time. */
export const mint = () => `00000000-0000-7000-8000-${String(++minted).padStart(12, '0')}`;

/** A test's event as a source would put it on the wire. */
export async function toEnvelope(event: TestEvent): Promise<{ envelope: EventEnvelope; raw: Uint8Array }> {
  const { source = 'http', headers = {}, params, attributes, cloudEvent } = event;
  const { raw, contentType } = await encodeTestBody(event.body);
  const stated = headers['content-type'];
  const type = typeof stated === 'string' ? stated : contentType;
  const http = source === 'http' ? { method: event.method ?? (raw.length > 0 ? 'POST' : 'GET') } : {};
  const query = event.query === undefined ? {} : { query: queryText(event.query) };
  return {
    raw,
    envelope: {
      id: event.id ?? mint(),
      meta: {
        source,
        ...http,
        ...query,
        headers,
        ...(params ? { params } : {}),
        ...(attributes ? { attributes: attributes as EventEnvelope['meta']['attributes'] } : {}),
      },
      ...(type === undefined ? {} : { contentType: type }),
      ...(cloudEvent ? { cloudEvent } : {}),
    },
  };
}

/** What a run gave, as a caller would read it. */
export async function toAnswer<Body>(
  { outcome, pieces }: Taken,
  logs: LogEntry[],
): Promise<TestAnswer<Body>> {
  const { contentType, body, meta, cause } = outcome;
  return {
    outcome: outcome.outcome,
    status: outcome.status,
    headers: { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...meta?.headers },
    cookies: meta?.cookies ?? [],
    body: (await readAnswer(outcome)) as Body,
    raw: body,
    pieces,
    cause,
    logs,
  };
}

/** The mesh sends an answer as it is; one that is not what its content type says is bytes to a test. */
async function readAnswer({ body, contentType }: Outcome): Promise<unknown> {
  if (body.length === 0) return undefined;
  try {
    return await decodeBody(body, contentType);
  } catch {
    return body;
  }
}

/** A test's body as bytes, with the content type that a client would send with it. */
interface TestBody {
  readonly raw: Uint8Array;
  readonly contentType?: string;
}

/** Bytes and text as they are, forms as forms, anything else as JSON. */
async function encodeTestBody(body: unknown): Promise<TestBody> {
  if (body === undefined) return { raw: new Uint8Array(0) };
  if (typeof body === 'string') return { raw: Buffer.from(body) };
  if (body instanceof Uint8Array) return { raw: body };
  if (body instanceof URLSearchParams || body instanceof FormData) return encodeForm(body);
  return { raw: Buffer.from(JSON.stringify(body)), contentType: 'application/json' };
}

async function encodeForm(body: URLSearchParams | FormData): Promise<TestBody> {
  const response = new Response(body);
  const contentType = response.headers.get('content-type');
  const raw = new Uint8Array(await response.arrayBuffer());
  return contentType === null ? { raw } : { raw, contentType };
}

/** Values as a query string without its `?`. */
function queryText(query: string | Values): string {
  if (typeof query === 'string') return query;
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) pairs.append(name, one);
  return pairs.toString();
}
