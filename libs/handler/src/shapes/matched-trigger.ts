import { isAlias, isVersion } from '../../../contracts/src/control-path.js';
import type { HttpTrigger } from '../../../contracts/src/manifest.js';

/** A trigger that says where it is. */
type Placed = HttpTrigger & { readonly path: string };

/**
 * Which of a handler's triggers a request came by, as the router of ingress-http chose it: the most specific pattern, and of
 * that one the trigger that names the method before one that takes any, as API Gateway has it.
 * @param asked its path as received
 * @param own the handler's path, where triggers are that name none
 */
export function matchedTrigger(
  asked: { readonly method: string; readonly path: string },
  own: string,
  http: readonly HttpTrigger[],
): Placed | undefined {
  const placed = http.map((trigger) => ({ ...trigger, path: trigger.path ?? `/${own}` }));
  const [first, ...others] = atLiteral(placed, withoutVersion(asked.path)) ?? atPattern(placed, asked.path);
  const same = first ? [first, ...others.filter((other) => rankOf(other) === rankOf(first))] : [];
  const taking = same.filter((trigger) => takes(trigger, asked.method));
  return taking.find(({ method }) => method !== undefined) ?? taking[0];
}

/** `/users/find@1.2.0`: of literal patterns alone, as no literal segment has an `@`. */
function withoutVersion(path: string): string {
  const at = path.lastIndexOf('@');
  const version = path.slice(at + 1);
  return at >= 0 && (isVersion(version) || isAlias(version)) ? path.slice(0, at) : path;
}

function atLiteral(placed: readonly Placed[], asked: string): Placed[] | undefined {
  const found = placed.filter(({ path }) => path === asked);
  return found.length > 0 ? found : undefined;
}

const atPattern = (placed: readonly Placed[], asked: string): Placed[] =>
  placed.filter(({ path }) => isAt(path, asked)).sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));

/** Segment by segment from the left, a literal one goes before a parameter: `/x/{b}` is `001`, `/{a}/b` is `010`. */
const rankOf = ({ path }: Placed): string =>
  path
    .split('/')
    .map((part) => (part.startsWith('{') ? 1 : 0))
    .join('');

function isAt(path: string, asked: string): boolean {
  const [wanted, found] = [path.split('/'), asked.split('/')];
  return (
    wanted.length === found.length && wanted.every((part, at) => part.startsWith('{') || part === found[at])
  );
}

/** HEAD is a GET of which only the headers are wanted. */
function takes({ method }: HttpTrigger, asked: string): boolean {
  const methods: readonly string[] | undefined = method === undefined ? undefined : [method].flat();
  return !methods || methods.includes(asked) || (asked === 'HEAD' && methods.includes('GET'));
}
