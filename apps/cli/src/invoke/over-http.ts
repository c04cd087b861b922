import { formatReference, MeshError, PROBLEM_JSON, type Reference } from '#contracts';
import { CliError, EXIT } from '../exit.js';
import type { Answer, Outgoing } from './answer.js';

/** Beyond the handler's own time: for the way there and back. */
const GRACE_MS = 5_000;

/**
 * Calls through the HTTP ingress, which a handler with a trigger of its own may not serve under its path: such a
 * one is called --via nats. HTTP does not tell FAIL from an OK with a status of 400 and more: here both are `failed`.
 * @throws CliError when there is no ingress, or no answer in time
 */
export async function overHttp(base: string, reference: Reference, outgoing: Outgoing): Promise<Answer> {
  const { query, headers, body, contentType, timeout } = outgoing;
  const search =
    query.length > 0
      ? `?${new URLSearchParams(query.map(([name, value]): [string, string] => [name, value]))}`
      : '';
  const response = await reach(`${base}/${formatReference(reference)}${search}`, {
    method: outgoing.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: [...(contentType === undefined ? [] : [['content-type', contentType] as const]), ...headers].map(
      ([name, value]): [string, string] => [name, value],
    ),
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout + GRACE_MS),
  });
  const { body: pieces } = response;
  // Of a length that nobody knew before.
  if (response.ok && pieces && !response.headers.has('content-length'))
    return { ...answerOf(response, new Uint8Array(0)), rest: restOf(pieces) };
  return answerOf(response, new Uint8Array(await response.arrayBuffer()));
}

async function* restOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (cause) {
    const isLate = (cause as Error).name === 'TimeoutError';
    throw new MeshError(isLate ? 'deadline-exceeded' : 'broken-off', undefined, { cause });
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const isLate = (cause as Error).name === 'TimeoutError';
    throw new CliError(
      `${new URL(url).origin} ${isLate ? 'did not answer in time' : 'cannot be reached'}.`,
      isLate ? 'Give it more time: --timeout <ms>' : 'Is the ingress running? Check: mesh doctor',
      isLate ? EXIT.failed : EXIT.unreachable,
      isLate ? 'deadline-exceeded' : 'unreachable',
    );
  }
}

export function answerOf(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  body: Uint8Array,
): Answer {
  const contentType = headers.get('content-type') ?? undefined;
  return {
    outcome: status < 400 ? 'ok' : (problemCode(contentType, body) ?? 'failed'),
    status,
    version: headers.get('mesh-version') ?? undefined,
    id: headers.get('mesh-id') ?? '',
    contentType,
    body,
  };
}

/** The code of an error that the mesh made. */
function problemCode(contentType: string | undefined, body: Uint8Array): string | undefined {
  if (!contentType?.startsWith(PROBLEM_JSON)) return undefined;
  try {
    const { code } = JSON.parse(Buffer.from(body).toString()) as { code?: unknown };
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}
