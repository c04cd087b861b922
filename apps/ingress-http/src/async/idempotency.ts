import { createHash, hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type ControlPath, type EventEnvelope, MeshError } from '#contracts';

/*
 * draft-ietf-httpapi-idempotency-key-header: the key names a request, so that it can be sent again by who does not know
 * whether it arrived. Here the key makes the mesh-id: whoever sends it again comes to the same claim, and to the same
 * message in the stream, without anyone having to remember keys.
 */

const MAX_LENGTH = 255;
// Structured Fields (RFC 9651, clause 3.3.3): a string in quotes. Many clients send it bare.
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const BARE = /^[\x21\x23-\x7e]+$/;

/** The header's key, or `undefined` where there is none. @throws MeshError `bad-request` */
export function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const text = headers['idempotency-key'] as string | undefined;
  if (text === undefined) return undefined;
  const key = QUOTED.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? (BARE.test(text) ? text : '');
  if (key === '' || key.length > MAX_LENGTH)
    throw new MeshError('bad-request', `Idempotency-Key must be 1 to ${MAX_LENGTH} printable characters.`);
  return key;
}

/** The mesh-id of a request with a key: a UUIDv8 (RFC 9562, clause 5.8) of what makes the request the caller's own. */
export function idOfKey(path: ControlPath, caller: string, key: string): string {
  const bytes = hash('sha256', JSON.stringify([path, caller, key]), 'buffer').subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [0, 8, 12, 16, 20].map((from, i, all) => hex.slice(from, all[i + 1])).join('-');
}

/** Headers that change what is asked for. */
const ASKING = ['mesh-delay', 'mesh-at', 'mesh-expires', 'mesh-callback'] as const;

/** What one key may be used for once: the same request again has the same fingerprint. */
export function fingerprintOf(
  { meta, version, contentType }: EventEnvelope,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): string {
  const asked = [meta.method, meta.path, meta.query, version, contentType];
  const hashed = createHash('sha256').update(JSON.stringify([asked, ASKING.map((name) => headers[name])]));
  return hashed.update(body).digest('base64url');
}
