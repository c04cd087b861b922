import { addRoute, createRouter, findRoute, removeRoute } from 'rou3';
import {
  type ControlPath,
  HTTP_METHODS,
  type HttpMethod,
  type HttpTrigger,
  isAlias,
  isVersion,
  type Route,
} from '#contracts';

/** The methods that one handler takes at one pattern. */
interface Claim {
  readonly route: Route;
  readonly methods: readonly HttpMethod[];
}

/** A pattern such as `/users/{id}`, with everyone who claims it. */
interface Pattern {
  readonly claims: Map<ControlPath, Claim>;
}

export interface Match {
  readonly route: Route;
  /** Parameters as they stood in the path, still percent-encoded. */
  readonly params: Readonly<Record<string, string>> | undefined;
  /** Version or alias from `/users/find@1.2.0`. */
  readonly version: string | undefined;
}

/** What a path is to the mesh: nobody's, somebody's but not with this method, or a match. */
export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'other-method'; readonly allow: readonly HttpMethod[] }
  | ({ readonly kind: 'match'; readonly allow: readonly HttpMethod[] } & Match);

const NONE: Found = { kind: 'none' };

/**
 * From method and path to a handler. Literal segments match byte for byte and win over parameters; the most
 * specific pattern is chosen first and the method then, so that a known path with another method is a 405.
 */
export class Router {
  readonly #tree = createRouter<Pattern>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #patternsOf = new Map<ControlPath, string[]>();

  /** Takes over a route's triggers, or forgets the path when the route is gone. */
  update(path: ControlPath, route: Route | undefined): void {
    for (const pattern of this.#patternsOf.get(path) ?? []) this.#release(pattern, path);
    this.#patternsOf.delete(path);
    if (!route) return;
    const claimed = claimsOf(route);
    for (const [pattern, methods] of claimed) this.#claim(pattern, { route, methods });
    this.#patternsOf.set(path, [...claimed.keys()]);
  }

  /** @param path as received, without the query */
  find(method: string, path: string): Found {
    // The tree passes over a slash at the end and takes an empty segment for a parameter; the mesh does neither.
    if (path.charCodeAt(path.length - 1) === 47 || path.includes('//')) return NONE;
    const exact = findRoute(this.#tree, '', path);
    if (exact && !exact.params) return choose(exact.data, method, undefined, undefined);
    return (
      this.#findVersion(method, path) ?? (exact ? choose(exact.data, method, exact.params, undefined) : NONE)
    );
  }

  /** `/users/find@1.2.0`, where `/users/find` is a literal pattern. */
  #findVersion(method: string, path: string): Found | undefined {
    const at = path.lastIndexOf('@');
    if (at < 0) return undefined;
    const version = path.slice(at + 1);
    if (!isVersion(version) && !isAlias(version)) return undefined;
    const found = findRoute(this.#tree, '', path.slice(0, at));
    return found && !found.params ? choose(found.data, method, undefined, version) : undefined;
  }

  #claim(text: string, claim: Claim): void {
    let pattern = this.#patterns.get(text);
    if (!pattern) {
      pattern = { claims: new Map() };
      this.#patterns.set(text, pattern);
      addRoute(this.#tree, '', text, pattern);
    }
    pattern.claims.set(claim.route.path, claim);
  }

  #release(text: string, path: ControlPath): void {
    const pattern = this.#patterns.get(text);
    if (!pattern?.claims.delete(path) || pattern.claims.size > 0) return;
    this.#patterns.delete(text);
    removeRoute(this.#tree, '', text);
  }
}

/** Patterns in the router's notation, with the methods that the route takes there. */
function claimsOf(route: Route): Map<string, readonly HttpMethod[]> {
  const claims = new Map<string, readonly HttpMethod[]>();
  for (const { method, path = `/${route.path}` } of httpTriggersOf(route)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    const methods = method === undefined ? HTTP_METHODS : [method].flat();
    claims.set(pattern, [...new Set([...(claims.get(pattern) ?? []), ...methods])]);
  }
  return claims;
}

/** The triggers of the version with the greatest weight; without any trigger at all: every method on `/<path>`. */
export function httpTriggersOf({ versions }: Route): HttpTrigger[] {
  const main = versions.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (main.triggers.length === 0) return [{}];
  return main.triggers.flatMap((trigger) => ('http' in trigger ? [trigger.http] : []));
}

function choose(
  { claims }: Pattern,
  method: string,
  params: Record<string, string> | undefined,
  version: string | undefined,
): Found {
  for (const { route, methods } of claims.values())
    if (takes(methods, method)) return { kind: 'match', route, params, version, allow: methods };
  return { kind: 'other-method', allow: [...claims.values()].flatMap(({ methods }) => methods) };
}

/** HEAD is a GET of which only the headers are wanted (RFC 9110, clause 9.3.2). */
function takes(methods: readonly HttpMethod[], method: string): boolean {
  return methods.includes(method as HttpMethod) || (method === 'HEAD' && methods.includes('GET'));
}
