import { createHash } from 'node:crypto';

/** What an artifact is known by: `sha256:` and 64 hexadecimal digits. */
export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The same digest as an HTTP header's value: RFC 9530, clause 2. */
export const contentDigestOf = (bytes: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
