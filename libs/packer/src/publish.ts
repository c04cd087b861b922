import { contentDigestOf } from './digest.js';
import type { Packed } from './pack.js';

export const ARTIFACT_TYPE = 'application/vnd.lambda-mesh.artifact+gzip';
const TIMEOUT_MS = 60_000;

/** What is published: packed just now, or read from a file. */
export type PackedArtifact = Pick<Packed, 'manifest' | 'artifact'>;

export interface PublishRequest {
  /** Without a trailing slash. */
  readonly registryUrl: string;
  readonly token: string;
  readonly packed: PackedArtifact;
  /** False: the version is recorded and the route stays as it is. */
  readonly live?: boolean;
  /** Milliseconds for the whole exchange; 60 s unless stated. */
  readonly timeoutMs?: number;
}

/** The registry said no, or could not be reached (status 0). */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  constructor(
    message: string,
    readonly status: number,
    /** A code of docs/errors.md, such as `conflict`, if the registry gave one. */
    readonly code: string | undefined,
    /** The registry's own words, without those around them. */
    readonly reason: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * Hands an artifact to the registry.
 * @returns what the registry answered, parsed
 * @throws PublishError
 */
export async function publish(request: PublishRequest): Promise<unknown> {
  const { path } = request.packed.manifest;
  const url = `${request.registryUrl}/v1/handlers/${encodeURIComponent(path)}/versions${request.live === false ? '?live=false' : ''}`;
  const { status, body } = await post(url, request);
  if (status >= 200 && status < 300) return body;
  const { code, title, detail } = (body ?? {}) as Record<string, string | undefined>;
  const why = detail ?? title ?? 'it gave no reason';
  throw new PublishError(
    `The registry refused ${path} (${status}${code ? ` ${code}` : ''}): ${why}`,
    status,
    code,
    why,
  );
}

async function post(url: string, { token, packed, timeoutMs }: PublishRequest) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': ARTIFACT_TYPE,
        'content-digest': contentDigestOf(packed.artifact),
      },
      body: packed.artifact as Uint8Array<ArrayBuffer>,
      // A token is never sent on to where a redirect points.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
    });
    return { status: response.status, body: parse(await response.text()) };
  } catch (cause) {
    const why = (cause as Error).name === 'TimeoutError' ? 'did not answer in time' : 'cannot be reached';
    const reason = `The registry at ${new URL(url).origin} ${why}.`;
    throw new PublishError(reason, 0, undefined, reason, { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
