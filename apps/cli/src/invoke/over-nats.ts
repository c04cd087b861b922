import { asMeshError, mintMeshId, PROBLEM_JSON, problemOf, type Reference } from '#contracts';
import { type Connection, createInvoker } from '#fabric';
import type { Answer, Outgoing } from './answer.js';

/** Calls as any NATS client does: what is asked with are the fields of the JSON that is sent. */
export async function overNats(
  connection: Connection,
  { path, version }: Reference,
  { query, body, contentType, timeout }: Outgoing,
): Promise<Answer> {
  const asked = query.length > 0 ? Buffer.from(JSON.stringify(fieldsOf(query))) : body;
  const id = mintMeshId();
  const event = {
    id,
    timeout,
    meta: { source: 'nats' as const },
    ...(version === undefined ? {} : { version }),
    ...(contentType === undefined ? {} : { contentType }),
  };
  try {
    const reply = await createInvoker(connection).invoke(path, event, asked ?? new Uint8Array(0));
    const { outcome, status, version: ran, contentType: type } = reply.result;
    const answer = { outcome, status, version: ran, id, contentType: type, body: reply.body };
    return reply.rest === undefined ? answer : { ...answer, rest: reply.rest };
  } catch (error) {
    const fault = asMeshError(error);
    const problem = Buffer.from(JSON.stringify(problemOf(fault, id)));
    return {
      outcome: fault.code,
      status: fault.status,
      version: undefined,
      id,
      contentType: PROBLEM_JSON,
      body: problem,
    };
  }
}

/** A name that is given twice has both values, as in a query string. */
function fieldsOf(query: Outgoing['query']): Record<string, string | string[]> {
  const fields = new Map<string, string[]>();
  for (const [name, value] of query) fields.set(name, [...(fields.get(name) ?? []), value]);
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length > 1 ? values : (values[0] as string)]),
  );
}
