import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ConfigError, MeshError } from '#contracts';
import { isLoopback } from '#lifecycle';
import { type IngressHttpConfig, settings } from './config.js';

const hash = (text: string) => createHash('sha256').update(text).digest();

/** Refuses a request by its headers. @throws MeshError `unauthorized` */
export type AccessCheck = (headers: IncomingHttpHeaders) => void;

/** Everyone may call, or whoever brings the token; a handler never sees the token. */
export function accessCheck({ token }: Pick<IngressHttpConfig, 'token'>): AccessCheck {
  if (token === undefined) return () => undefined;
  const expected = hash(`Bearer ${token}`);
  return (headers) => {
    // Hashes have one length, so the comparison takes the same time whatever was sent.
    if (!timingSafeEqual(hash(headers.authorization ?? ''), expected)) throw new MeshError('unauthorized');
    delete headers.authorization;
  };
}

/** @throws ConfigError when handlers would be open to a network without anyone having said so */
export function refuseUnguarded({ host, token, open }: IngressHttpConfig): void {
  if (isLoopback(host) || token !== undefined || open === 'yes') return;
  throw new ConfigError('ingress-http', [
    `MESH_HTTP_HOST is ${JSON.stringify(host)}, which others reach, and nothing guards the handlers. Remedy: set MESH_HTTP_TOKEN to ${settings.token.remedy}; or MESH_HTTP_OPEN to yes where handlers or a proxy check who calls.`,
  ]);
}
