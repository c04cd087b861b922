import { CliError, EXIT } from './exit.js';
import type { RegistryAddress } from './mesh-address.js';

export type Query = Readonly<Record<string, string | undefined>>;

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page; null at the end. */
  readonly next: string | null;
}

interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** The revision that the change is meant for; another by now is refused. */
  readonly revision?: string;
}

interface Problem {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
}

const TIMEOUT_MS = 60_000;

/** The registry's HTTP API. Every refusal becomes a {@link CliError} that says what to do next. */
export class RegistryClient {
  constructor(readonly address: RegistryAddress) {}

  get<T>(path: string, query?: Query): Promise<T> {
    return this.request('GET', path, { query });
  }

  /** Items of all pages, `limit` at the most. */
  async list<T>(path: string, query: Query, limit = Number.POSITIVE_INFINITY): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const size = Math.min(limit - items.length, 100);
      const page = await this.get<Page<T>>(path, { ...query, limit: String(size), cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && items.length < limit);
    return items;
  }

  /** @throws CliError when refused or not reachable */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.#fetch(method, path, options);
    const text = await response.text();
    const body = parse(text);
    if (response.ok) return body as T;
    throw refusal(this.address.url, path, response.status, (body ?? {}) as Problem);
  }

  async #fetch(method: string, path: string, { query, body, revision }: RequestOptions): Promise<Response> {
    try {
      return await fetch(`${this.address.url}/v1${path}${queryText(query)}`, {
        method,
        headers: {
          authorization: `Bearer ${this.address.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(revision === undefined ? {} : { 'if-match': `"${revision}"` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A token is never sent on to where a redirect points.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw unreachable(this.address.url, cause);
    }
  }
}

/** One segment of a URL: a control path has slashes. */
export const handlerPath = (path: string, rest = ''): string =>
  `/handlers/${encodeURIComponent(path)}${rest}`;

function queryText(query: Query = {}): string {
  const stated = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return stated.length === 0 ? '' : `?${new URLSearchParams(stated)}`;
}

export function unreachable(url: string, cause: unknown): CliError {
  const { name, cause: inner } = cause as { name?: string; cause?: { code?: string } };
  const why =
    name === 'TimeoutError' ? 'did not answer in time' : `cannot be reached (${inner?.code ?? name})`;
  return new CliError(
    `The registry at ${url} ${why}.`,
    'Is it running? Check its address: mesh doctor',
    EXIT.unreachable,
    'unreachable',
  );
}

const RAISE =
  'A version never changes: raise "version" in package.json (or in handler(…)) and publish again.';
/** What to do about each refusal that has something to be done about. */
const REMEDIES: Readonly<Record<string, string>> = {
  unauthorized: 'Set MESH_TOKEN to a valid token of this registry; check it by: mesh doctor',
  forbidden: 'Use a token with a greater role; an admin makes one by: mesh token create <name> --role …',
  'not-found': 'See what is there: mesh list, mesh versions <path>',
  'no-route': 'Make a version live first: mesh rollback <path>, or mesh route <path> <version>',
  'queue-full':
    'The mesh keeps as much waiting work as it can; try again when some of it is done (mesh doctor).',
  'no-version': 'See what is there: mesh versions <path>',
  conflict: 'See what is live, and under which names: mesh route <path>',
  'revision-mismatch':
    'Somebody else changed this route meanwhile. Look at it (mesh route <path>), then try again.',
  'bad-artifact': 'Correct what it says, and publish again.',
  'catalogue-unavailable': "The registry's database is away; try again in a moment.",
  'not-connected': 'The registry has no connection to NATS; try again in a moment.',
};

export function refusal(
  url: string,
  path: string,
  status: number,
  { code, title, detail }: Problem,
): CliError {
  const why = detail ?? title ?? 'it gave no reason';
  const isPublish = code === 'conflict' && path.endsWith('/versions');
  const remedy = isPublish ? RAISE : (REMEDIES[code ?? ''] ?? remedyFor(status, url, path));
  const exit = status >= 500 ? EXIT.failed : EXIT.refused;
  return new CliError(
    `The registry refused (${status}${code ? ` ${code}` : ''}): ${why}`,
    remedy,
    exit,
    code,
  );
}

function remedyFor(status: number, url: string, path: string): string {
  if (status === 404) return `Is ${url} a registry of this version of λ-mesh? It does not know ${path}.`;
  if (status >= 500) return "See the registry's log.";
  return 'Correct what it says, and try again.';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
