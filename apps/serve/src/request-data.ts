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

/** @param contentType absent: JSON, as there */
export function readRequest(text: string, contentType: string | undefined): RequestData {
  if (text === '') return faulty('missing', ['body'], 'Field required', null);
  if (contentType !== undefined && !JSON_TYPE.test(contentType)) return notAnObject(text);
  const parsed = parse(text);
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

function parse(text: string): { value: unknown } | { fault: ValidationFault } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const { message } = error as Error;
    // Of a short text V8 names the character, not its place: then 0.
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? 0);
    const at = { type: 'json_invalid', loc: ['body', position], msg: 'JSON decode error' } as const;
    return { fault: { ...at, input: {}, ctx: { error: message } } };
  }
}
