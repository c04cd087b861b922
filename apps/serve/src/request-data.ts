import { z } from 'zod';

/*
 * A request's body, and what is wrong with it, in the words of FastAPI and Pydantic 2: clients of the worker that this
 * stands for read them.
 */

/** Says more fields are of no concern, as there. */
const requestData = z.object({ payload: z.string() });

export interface ValidationFault {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: { readonly error: string };
}

export type RequestData = { readonly payload: string } | { readonly faults: readonly ValidationFault[] };

const JSON_TYPE = /^application\/(json|[\w.+-]+\+json)\s*(;|$)/i;

/**
 * JSON must be said to be JSON. Without a type, or as text, a page of any origin may send it without being asked to
 * (Fetch, "CORS-safelisted request-header"), to this machine's own address too.
 */
export const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && JSON_TYPE.test(contentType);

export function readRequest(body: Buffer, contentType: string | undefined): RequestData {
  if (body.length === 0) return faulty('missing', ['body'], 'Field required', null);
  if (!isJson(contentType)) return notAnObject(body.toString());
  const parsed = parse(body);
  if ('fault' in parsed) return { faults: [parsed.fault] };
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    return notAnObject(parsed.value);
  const { success, data } = requestData.safeParse(parsed.value);
  return success ? data : wrongPayload(parsed.value as { payload?: unknown });
}

function wrongPayload(value: { payload?: unknown }): RequestData {
  if (!Object.hasOwn(value, 'payload'))
    return faulty('missing', ['body', 'payload'], 'Field required', value);
  return faulty('string_type', ['body', 'payload'], 'Input should be a valid string', value.payload);
}

const notAnObject = (input: unknown): RequestData =>
  faulty(
    'model_attributes_type',
    ['body'],
    'Input should be a valid dictionary or object to extract fields from',
    input,
  );

const faulty = (type: string, loc: readonly string[], msg: string, input: unknown): RequestData => ({
  faults: [{ type, loc, msg, input }],
});

/** RFC 8259, clause 8.1: JSON is UTF-8. What is not would reach the handler with other characters. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(body: Buffer): { value: unknown } | { fault: ValidationFault } {
  try {
    return { value: JSON.parse(utf8.decode(body)) };
  } catch (error) {
    const { message } = error as Error;
    // Of a short text V8 names the character, not its place: then 0.
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? 0);
    const at = { type: 'json_invalid', loc: ['body', position], msg: 'JSON decode error' } as const;
    return { fault: { ...at, input: {}, ctx: { error: message } } };
  }
}
