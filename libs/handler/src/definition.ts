import type {
  EventShape,
  HandlerContext,
  HandlerEvent,
  HandlerFunction,
  HandlerOptions,
  StreamedHandlerFunction,
} from './author-types.js';
import type { ShapedHandlerFunction } from './shape-types.js';

// From the global registry, so that a bundle's own copy of this package and the executor's recognise each other.
const DEFINITION: unique symbol = Symbol.for('lambda-mesh.handler') as never;

/** A handler with its name, ready to be exported. */
export interface HandlerDefinition<Body = unknown> {
  readonly path: string;
  readonly options: HandlerOptions;
  // A method, whose parameter TypeScript compares both ways: a definition of any body type is a HandlerDefinition.
  run(event: HandlerEvent<Body>, context: HandlerContext): unknown;
}

/** Outcomes are plain words, so that a handler without this package may state them too. */
export const OK = 'OK' as const;
/** The handler says no: final, not tried again. */
export const FAIL = 'FAIL' as const;

/**
 * Defines a handler under a control path such as `users/find`.
 *
 * Only the kinds of the arguments are checked here: the path and the options are checked when the handler is packed,
 * which keeps this package out of the way in a bundle.
 * @throws TypeError for an argument of another kind
 */
export function handler(
  path: string,
  options: HandlerOptions & { readonly body: 'stream' },
  run: StreamedHandlerFunction,
): HandlerDefinition;
export function handler<Shape extends Exclude<EventShape, 'mesh'>>(
  path: string,
  options: HandlerOptions & { readonly event: Shape },
  run: ShapedHandlerFunction<Shape>,
): HandlerDefinition;
export function handler<Body = unknown>(path: string, run: HandlerFunction<Body>): HandlerDefinition<Body>;
export function handler<Body = unknown>(
  path: string,
  options: HandlerOptions & { readonly event?: 'mesh' },
  run: HandlerFunction<Body>,
): HandlerDefinition<Body>;
export function handler<Body>(
  path: string,
  second: HandlerOptions | HandlerFunction<Body>,
  third?: HandlerFunction<Body> | StreamedHandlerFunction | ShapedHandlerFunction<never>,
): HandlerDefinition<Body> {
  const [options, run] = typeof second === 'function' && third === undefined ? [{}, second] : [second, third];
  if (typeof path !== 'string' || path === '')
    throw new TypeError("handler(path, options, fn): path must be a control path such as 'users/find'");
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(
      `handler('${path}', options, fn): options must be an object such as { version: '1.0.0' }`,
    );
  if (typeof run !== 'function')
    throw new TypeError(`handler('${path}', options, fn): fn must be a function (event, context)`);
  return Object.freeze({
    [DEFINITION]: 1,
    path,
    options: Object.freeze({ ...options }),
    run: run as HandlerFunction,
  });
}

/** True for what {@link handler} made, in this copy of the package or another. */
export function isDefinition(value: unknown): value is HandlerDefinition {
  return typeof value === 'object' && value !== null && DEFINITION in value;
}
