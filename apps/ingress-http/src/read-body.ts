import type { IncomingMessage, ServerResponse } from 'node:http';
import { MeshError } from '#contracts';

const NO_BYTES = new Uint8Array(0);
/** How long a body may take that is read whole, ms. */
const WHOLE_LIMIT_MS = 60_000;
/** How much of a refused body is read and thrown away, so that the client gets to read the answer. */
const DISCARD_LIMIT_BYTES = 256 * 1024 * 1024;

/** True when the request announces no body (RFC 9112, clause 6.3). */
export function isBodiless({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

// Who sends this waits to be asked for the body (RFC 9110, clause 10.1.1); other expectations never get here.
const expectsToBeAsked = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.expect !== undefined && httpVersion === '1.1';

const asked = new WeakSet<ServerResponse>();

/** True when a body was announced and not asked for, so that what comes next on the connection is anyone's guess. */
export function isUnasked(request: IncomingMessage, response: ServerResponse): boolean {
  return expectsToBeAsked(request) && !asked.has(response);
}

/** The client may send its body now, where it waits for that. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (!expectsToBeAsked(request) || asked.has(response)) return;
  asked.add(response);
  response.writeContinue();
}

/**
 * Reads a whole body, asking for it first where the client waits for that: what is refused before is never sent.
 * @throws MeshError `payload-too-large` as soon as it is known, `client-gone` when it breaks off, `request-timeout`
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return Promise.reject(refused(request, maxBytes));
  askForBody(request, response);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new MeshError('request-timeout')), WHOLE_LIMIT_MS);
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        request.removeAllListeners('data');
        reject(refused(request, maxBytes));
      } else chunks.push(chunk);
    });
    let whole = false;
    request.on('end', () => {
      whole = true;
      clearTimeout(timer);
      resolve(join(chunks, size));
    });
    request.on('error', () => reject(new MeshError('client-gone')));
    // Every request ends by this, too: an error that nobody gets would cost 2 µs of each.
    request.on('close', () => {
      if (whole) return;
      clearTimeout(timer);
      reject(new MeshError('client-gone'));
    });
  });
}

function join(chunks: Buffer[], size: number): Uint8Array {
  if (size === 0) return NO_BYTES;
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}

/** Its body is not read, and the client gets to know why. */
export function refused(request: IncomingMessage, maxBytes: number): MeshError {
  discard(request);
  return tooLarge(maxBytes);
}

export const tooLarge = (maxBytes: number): MeshError =>
  new MeshError('payload-too-large', `At most ${maxBytes} bytes are accepted.`);

/** What still comes of a body is thrown away, up to a bound. */
export function discard(request: IncomingMessage): void {
  let discarded = 0;
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > DISCARD_LIMIT_BYTES) request.destroy();
  });
}
