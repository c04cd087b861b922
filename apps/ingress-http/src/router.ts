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

/** One trigger: the methods that a handler takes at a pattern, and what it calls the parameters there. */
interface Claim {
  readonly route: Route;
  readonly methods: readonly HttpMethod[];
  readonly names: readonly string[];
}

/**
 * A pattern such as `/users/{id}`, with everyone who claims it. Parameters count by their place, so that `/users/{id}`
 * of one handler and `/users/{user}` of another are the same pattern.
 */
interface Pattern {
  claims: readonly Claim[];
  /** All methods that anyone takes here. */
  allow: readonly HttpMethod[];
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
  readonly #patterns = new Map<string, Pattern>();
  /** Patterns with parameters alone: for the others one look-up in the map is a third of the tree's time. */
  readonly #tree = createRouter<Pattern>();
  readonly #patternsOf = new Map<ControlPath, Set<string>>();

  /** Takes over a route's triggers, or forgets the path when the route is gone. */
  update(path: ControlPath, route: Route | undefined): void {
    for (const pattern of this.#patternsOf.get(path) ?? []) this.#release(pattern, path);
    this.#patternsOf.delete(path);
    if (!route) return;
    const claimed = claimsOf(route);
    for (const [pattern, claim] of claimed) this.#claim(pattern, claim);
    this.#patternsOf.set(path, new Set(claimed.map(([pattern]) => pattern)));
  }

  /** @param path as received, without the query */
  find(method: string, path: string): Found {
    // The tree passes over a slash at the end and takes an empty segment for a parameter; the mesh does neither.
    if (path.charCodeAt(path.length - 1) === 47 || path.includes('//')) return NONE;
    const literal = this.#literal(path);
    if (literal) return choose(literal, method, undefined, undefined);
    return this.#findVersion(method, path) ?? this.#findWithParameters(method, path);
  }

  /** In the map, `:` begins a parameter; no literal segment has one. */
  #literal(path: string): Pattern | undefined {
    return path.includes(':') ? undefined : this.#patterns.get(path);
  }

  #findWithParameters(method: string, path: string): Found {
    const found = findRoute(this.#tree, '', path);
    return found ? choose(found.data, method, found.params, undefined) : NONE;
  }

  /** `/users/find@1.2.0`, where `/users/find` is a literal pattern. */
  #findVersion(method: string, path: string): Found | undefined {
    const at = path.lastIndexOf('@');
    if (at < 0) return undefined;
    const version = path.slice(at + 1);
    if (!isVersion(version) && !isAlias(version)) return undefined;
    const literal = this.#literal(path.slice(0, at));
    return literal && choose(literal, method, undefined, version);
  }

  #claim(text: string, claim: Claim): void {
    const known = this.#patterns.get(text);
    const pattern = known ?? { claims: [], allow: [] };
    setClaims(pattern, [...pattern.claims, claim]);
    if (known) return;
    this.#patterns.set(text, pattern);
    if (text.includes(':')) addRoute(this.#tree, '', text, pattern);
  }

  #release(text: string, path: ControlPath): void {
    const pattern = this.#patterns.get(text);
    if (!pattern) return;
    setClaims(
      pattern,
      pattern.claims.filter(({ route }) => route.path !== path),
    );
    if (pattern.claims.length > 0) return;
    this.#patterns.delete(text);
    if (text.includes(':')) removeRoute(this.#tree, '', text);
  }
}

function setClaims(pattern: Pattern, claims: readonly Claim[]): void {
  pattern.claims = claims;
  pattern.allow = [...new Set(claims.flatMap(({ methods }) => methods))];
}

/** A claim for each trigger, under its pattern in the router's notation. */
function claimsOf(route: Route): [pattern: string, claim: Claim][] {
  return httpTriggersOf(route).map(({ method, path = `/${route.path}` }) => {
    const names: string[] = [];
    const pattern = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `:p${names.push(name) - 1}`);
    return [pattern, { route, names, methods: method === undefined ? HTTP_METHODS : [method].flat() }];
  });
}

/** The triggers of the version with the greatest weight; without any trigger at all: every method on `/<path>`. */
export function httpTriggersOf({ versions }: Route): HttpTrigger[] {
  const main = versions.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (main.triggers.length === 0) return [{}];
  return main.triggers.flatMap((trigger) => ('http' in trigger ? [trigger.http] : []));
}

function choose(
  { claims, allow }: Pattern,
  method: string,
  params: Record<string, string> | undefined,
  version: string | undefined,
): Found {
  for (const { route, methods, names } of claims)
    if (takes(methods, method))
      return { kind: 'match', route, params: params && named(params, names), version, allow };
  return { kind: 'other-method', allow };
}

/** Parameters by name; the tree has them by place: p0, p1, … */
function named(params: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const byName: Record<string, string> = {};
  for (const [place, name] of names.entries()) byName[name] = params[`p${place}`] as string;
  return byName;
}

/** HEAD is a GET of which only the headers are wanted (RFC 9110, clause 9.3.2). */
function takes(methods: readonly HttpMethod[], method: string): boolean {
  return methods.includes(method as HttpMethod) || (method === 'HEAD' && methods.includes('GET'));
}
