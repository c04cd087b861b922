/*
 * A handler may log anything. What goes on from here is text and plain JSON of a bounded size: the rest cannot cross a
 * thread, or cannot be written as JSON, and would take with it the worker, the executor, or the run that logged it.
 */

const MAX_MESSAGE = 16 * 1024;
const MAX_FIELDS = 32 * 1024;

export const logMessage = (message: string): string =>
  message.length <= MAX_MESSAGE
    ? message
    : `${message.slice(0, MAX_MESSAGE)} … (${message.length} characters)`;

export function logFields(fields: unknown): object | undefined {
  if (fields === undefined) return undefined;
  const json = jsonOf(fields);
  if (json === undefined) return { fields: '(not JSON)' };
  if (json.length > MAX_FIELDS) return { fields: `(left out: ${json.length} characters)` };
  const plain: unknown = JSON.parse(json);
  return typeof plain === 'object' && plain !== null ? plain : { value: plain };
}

function jsonOf(fields: unknown): string | undefined {
  try {
    return JSON.stringify(fields, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  } catch {
    return undefined;
  }
}
