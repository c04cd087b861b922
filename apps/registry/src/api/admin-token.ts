import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { MeshError } from '#contracts';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

export const makeToken = (): string => randomBytes(32).toString('base64url');

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** The one token of this issue; only its hash is kept. */
export class AdminToken {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = hashOf(token);
  }

  /**
   * Compares hashes, of equal length, in constant time: neither length nor prefix of the token can be measured.
   * @param authorization the header, RFC 6750
   * @throws MeshError `unauthorized`
   */
  check(authorization: string | undefined): void {
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token === undefined || !timingSafeEqual(hashOf(token), this.#hash))
      throw new MeshError('unauthorized');
  }
}
