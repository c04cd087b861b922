import type { Values } from './author-types.js';

/** A test's body as bytes, with the content type that a client would send with it. */
export interface TestBody {
  readonly raw: Uint8Array;
  readonly contentType?: string;
}

/** Bytes and text as they are, forms as forms, anything else as JSON. */
export async function encodeTestBody(body: unknown): Promise<TestBody> {
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
export function queryText(query: string | Values): string {
  if (typeof query === 'string') return query;
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) pairs.append(name, one);
  return pairs.toString();
}
