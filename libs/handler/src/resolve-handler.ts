import { MeshError } from '../../contracts/src/errors.js';
import type { HandlerContext, HandlerEvent } from './author-types.js';
import { isMarked, returning } from './awslambda.js';
import { type HandlerDefinition, isDefinition } from './definition.js';
import type { Callback } from './shapes/callback.js';

/** A handler found in a module, callable in one way whatever its form. */
export interface ResolvedHandler {
  /** The export it came from. */
  readonly exportName: string;
  /** `definition`: made by `handler()`; `event`: a plain (event, context); `payload`: a plain handle(payload). */
  readonly form: 'definition' | 'event' | 'payload';
  /** The path that a definition states; absent for plain exports. */
  readonly path?: string;
  /** What a definition states; an executor goes by the manifest. */
  readonly body?: 'whole' | 'stream' | undefined;
  /** It has a third parameter: what was written for Lambda answers by that. */
  readonly takesCallback: boolean;
  /** Lambda's mark: it writes its answer into a stream, which is then what `invoke` returns, perhaps with its head. */
  readonly streams: boolean;
  invoke(event: HandlerEvent, context: HandlerContext, callback?: Callback): unknown;
}

type Exports = Readonly<Record<string, unknown>>;
type Named<T> = readonly [name: string, value: T];

/** Plain exports, by name: seed B's, Lambda's, and the third seed's. `default` is one too. */
const PLAIN_NAMES = ['default', 'handler', 'handle', 'handleEvent'] as const;
const HOW =
  "Export one: `export default handler('users/find', async (event, context) => …)`, or a function named handle, handler or handleEvent.";

/**
 * Finds a module's handler: the export that the manifest names; else its definition (`default` before others, and the
 * one with the expected path before `default`); else its one plain function.
 * @param expectedPath the path under which the version was published; a definition must state the same
 * @throws MeshError `no-handler` or `path-mismatch`, saying what to do
 */
export function resolveHandler(
  moduleNamespace: object,
  exportName?: string,
  expectedPath?: string,
): ResolvedHandler {
  const exports = exportsOf(moduleNamespace);
  if (exportName !== undefined) return resolveNamed(exports, exportName, expectedPath);
  const definitions = Object.entries(exports).filter((entry): entry is [string, HandlerDefinition] =>
    isDefinition(entry[1]),
  );
  if (definitions.length > 0) return chooseDefinition(definitions, expectedPath);
  return choosePlain(exports);
}

/** A CommonJS module arrives as one default export: its properties count as exports. */
function exportsOf(namespace: object): Exports {
  const own: Record<string, unknown> = Object.assign(Object.create(null), namespace);
  const inner = own.default;
  if (typeof inner !== 'object' || inner === null || isDefinition(inner)) return own;
  return Object.assign(Object.create(null), inner, own, { default: (inner as Exports).default });
}

function resolveNamed(exports: Exports, name: string, expectedPath?: string): ResolvedHandler {
  const value = exports[name];
  if (isDefinition(value)) return fromDefinition([name, value], expectedPath);
  if (typeof value === 'function') return fromPlain([name, value as PlainFunction]);
  throw new MeshError(
    'no-handler',
    `The manifest names the export "${name}", which is ${value === undefined ? 'not there' : 'no handler'}; there is: ${namesOf(exports)}.`,
  );
}

function chooseDefinition(found: Named<HandlerDefinition>[], expectedPath?: string): ResolvedHandler {
  const distinct = found.filter(([, value], index) => found.findIndex(([, v]) => v === value) === index);
  const byPath = distinct.filter(([, value]) => value.path === expectedPath);
  const chosen =
    byPath.length === 1 ? byPath[0] : (found.find(([name]) => name === 'default') ?? single(distinct));
  if (!chosen)
    throw new MeshError(
      'no-handler',
      `It exports several: ${distinct.map(([name, value]) => `${name} (${value.path})`).join(', ')}. Make one the default export, or name it in the manifest's "export".`,
    );
  return fromDefinition(chosen, expectedPath);
}

function choosePlain(exports: Exports): ResolvedHandler {
  const found = PLAIN_NAMES.map((name) => [name, exports[name]] as const).filter(
    (entry): entry is Named<PlainFunction> & typeof entry => typeof entry[1] === 'function',
  );
  // The same function under two names is one; a name says how it is called, so it goes before `default`.
  const named = found.filter(
    ([name, fn]) => name !== 'default' || found.every(([n, f]) => n === name || f !== fn),
  );
  const chosen = single(named);
  if (chosen) return fromPlain(chosen);
  if (named.length === 0) throw new MeshError('no-handler', `It exports: ${namesOf(exports)}. ${HOW}`);
  throw new MeshError(
    'no-handler',
    `It exports several that could be one: ${named.map(([name]) => name).join(', ')}. Name one in the manifest's "export".`,
  );
}

function fromDefinition(
  [exportName, value]: Named<HandlerDefinition>,
  expectedPath?: string,
): ResolvedHandler {
  if (expectedPath !== undefined && value.path !== expectedPath)
    throw new MeshError(
      'path-mismatch',
      `It was published as "${expectedPath}", yet its module says "${value.path}". Pack it again.`,
    );
  return {
    exportName,
    form: 'definition',
    path: value.path,
    body: value.options.body,
    ...callingOf(value.run),
    invoke: returning(value.run),
  };
}

type PlainFunction = (first: unknown, context: HandlerContext, callback?: Callback) => unknown;

function fromPlain([exportName, given]: Named<PlainFunction>): ResolvedHandler {
  const fn = returning(given);
  const common = { exportName, ...callingOf(given) };
  if (exportName !== 'handle')
    return { ...common, form: 'event', invoke: (event, context, callback) => fn(event, context, callback) };
  return {
    ...common,
    form: 'payload',
    invoke: (event, context, callback) => fn(payloadOf(event.body), context, callback),
  };
}

const callingOf = (fn: { readonly length: number }) => ({
  streams: isMarked(fn),
  takesCallback: fn.length === 3 && !isMarked(fn),
});

/**
 * What `handle(payload)` gets: the decoded body, which is a string for text. The seed's clients wrap their text as
 * `{"payload": "…"}`; that one form is unwrapped, so that they work unchanged.
 */
function payloadOf(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'payload')) return body;
  const { payload, ...rest } = body as { payload: unknown };
  return typeof payload === 'string' && Object.keys(rest).length === 0 ? payload : body;
}

const single = <T>(list: readonly T[]): T | undefined => (list.length === 1 ? list[0] : undefined);

function namesOf(exports: Exports): string {
  return (
    Object.keys(exports)
      .filter((name) => exports[name] !== undefined)
      .join(', ') || 'nothing'
  );
}
