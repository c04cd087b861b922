import { createHash, timingSafeEqual } from 'node:crypto';
import { MeshError } from '#contracts';

/*
 * RFC 9530: `Content-Digest: sha-256=:<base64>:, sha-512=:<base64>:`, a dictionary of byte sequences (RFC 8941).
 */
const MEMBER = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):$/;
// Clause 5: those that are meant for adversarial settings. Others are passed over, as clause 2 has it.
const ALGORITHMS: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

/**
 * Checks every digest that was stated and that we know.
 * @throws MeshError `digest-mismatch`, `bad-request` when the header is malformed
 */
export function checkContentDigest(header: string | undefined, bytes: Uint8Array): void {
  for (const member of header?.split(',') ?? []) checkMember(member.trim(), bytes);
}

function checkMember(member: string, bytes: Uint8Array): void {
  const [, name = '', base64 = ''] = MEMBER.exec(member) ?? [];
  if (name === '') throw new MeshError('bad-request', 'Content-Digest must look like sha-256=:<base64>:');
  const algorithm = ALGORITHMS[name];
  if (algorithm === undefined) return;
  const stated = Buffer.from(base64, 'base64');
  const actual = createHash(algorithm).update(bytes).digest();
  if (stated.length !== actual.length || !timingSafeEqual(stated, actual))
    throw new MeshError(
      'digest-mismatch',
      `The ${name} digest of what arrived is ${actual.toString('base64')}.`,
    );
}
