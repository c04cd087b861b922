import type { HttpTrigger, Manifest } from '#contracts';
import type { HttpClaim } from '../catalogue/values.js';

const ANY_METHOD = '*';
const PARAMETER = /\{[^}]*\}/g;

/**
 * The HTTP requests that a handler asks for. Two handlers must not claim the same; which of them answered would
 * be chance. Parameter names are left out: `/users/{id}` and `/users/{name}` are the same requests.
 */
export function httpClaims({ path, triggers }: Pick<Manifest, 'path' | 'triggers'>): HttpClaim[] {
  if (triggers.length === 0) return [{ pattern: `/${path}`, method: ANY_METHOD }];
  const claims = triggers.flatMap((trigger) => ('http' in trigger ? claimsOf(path, trigger.http) : []));
  return claims.filter((claim, at) => claims.findIndex((other) => same(claim, other)) === at);
}

function claimsOf(path: string, { method, path: pattern = `/${path}` }: HttpTrigger): HttpClaim[] {
  const methods = method === undefined ? [ANY_METHOD] : [method].flat();
  return methods.map((name) => ({ pattern: pattern.replaceAll(PARAMETER, '{}'), method: name }));
}

const same = (a: HttpClaim, b: HttpClaim): boolean => a.pattern === b.pattern && a.method === b.method;
