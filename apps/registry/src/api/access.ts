import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { MeshError } from '#contracts';
import type { TokenStore } from '../catalogue/token-store.js';
import { type Actor, ROLES, type Role } from '../catalogue/values.js';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
/** What begins so is a token of this registry, to whoever finds it and to programs that look for secrets. */
const PREFIX = 'mesh_';

/** 256 random bits, so that a plain hash of it cannot be turned back and needs no salt. */
export const makeToken = (): string => PREFIX + randomBytes(32).toString('base64url');

/** All that is kept of a token. */
export const hashOfToken = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A request, before anything of its body is read. */
export interface Knock {
  readonly method: string;
  /** The pattern that the router matched, so that no other spelling of a path gets round it. */
  readonly pattern: string;
  /** RFC 6750 */
  readonly authorization: string | undefined;
  readonly address: string;
  readonly agent: string | undefined;
}

/** Publishers may do these besides reading; what is in no list is an admin's. */
const PUBLISHERS: ReadonlySet<string> = new Set([
  'POST /v1/handlers/:path/versions',
  'POST /v1/handlers/:path/versions/:version/deprecate',
  'PUT /v1/handlers/:path/route',
  'PUT /v1/handlers/:path/aliases/:alias',
  'DELETE /v1/handlers/:path/aliases/:alias',
  'POST /v1/handlers/:path/rollback',
  // An event holds what its caller sent.
  'GET /v1/dead/:id',
  'POST /v1/dead/replay',
  'POST /v1/dead/:id/replay',
]);

/** The least role that may do this. */
export function roleFor(method: string, pattern: string): Role {
  if (pattern.startsWith('/v1/tokens')) return 'admin';
  const isRead = method === 'GET' || method === 'HEAD';
  if (PUBLISHERS.has(`${isRead ? 'GET' : method} ${pattern}`)) return 'publisher';
  return isRead ? 'reader' : 'admin';
}

const mayDo = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

const MAX_AGENT = 200;

/** Who may do what: the operator's own token may do all, each other one what its role allows. */
export class Access {
  readonly #root: Buffer;
  readonly #tokens: Pick<TokenStore, 'find'>;

  constructor(rootToken: string, tokens: Pick<TokenStore, 'find'>) {
    this.#root = hashOfToken(rootToken);
    this.#tokens = tokens;
  }

  /** @throws MeshError `unauthorized`, `forbidden`, `catalogue-unavailable` */
  async admit({ method, pattern, authorization, address, agent }: Knock): Promise<Actor> {
    const hash = hashOfToken(bearerIn(authorization));
    const from = { address, ...(agent ? { agent: agent.slice(0, MAX_AGENT) } : {}) };
    // Hashes, of equal length, in constant time: neither length nor prefix of the token can be measured.
    if (timingSafeEqual(hash, this.#root)) return { name: 'admin', origin: from };
    const token = await this.#tokens.find(hash);
    if (!token) throw new MeshError('unauthorized');
    const needed = roleFor(method, pattern);
    if (!mayDo(token.role, needed))
      throw new MeshError(
        'forbidden',
        `The token ${token.name} is a ${token.role}'s; this wants a ${needed}'s.`,
      );
    return { name: `token:${token.name}`, origin: { ...from, token: token.id } };
  }
}

function bearerIn(authorization: string | undefined): string {
  const token = BEARER.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new MeshError('unauthorized');
  return token;
}
