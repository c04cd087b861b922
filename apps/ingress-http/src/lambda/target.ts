/*
 * The Lambda API's addresses (AWS Lambda API Reference): which operation a request asks for.
 *
 *   POST /2015-03-31/functions/{name}/invocations?Qualifier=                      Invoke
 *   POST /2021-11-15/functions/{name}/response-streaming-invocations?Qualifier=   InvokeWithResponseStream
 *   GET  /2015-03-31/functions/                                                   ListFunctions
 *   GET  /2015-03-31/functions/{name}?Qualifier=                                  GetFunction
 *   GET  /2015-03-31/functions/{name}/configuration?Qualifier=                    GetFunctionConfiguration
 */

export type Operation = 'invoke' | 'invoke-stream' | 'list' | 'get' | 'get-configuration';

export interface Target {
  readonly operation: Operation;
  /** As the caller wrote it, decoded; empty for `list`. */
  readonly name: string;
  readonly qualifier?: string;
}

interface Address {
  readonly operation: Operation;
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
}
const ADDRESSES: readonly Address[] = [
  { operation: 'invoke', method: 'POST', pattern: /^\/2015-03-31\/functions\/([^/]+)\/invocations$/ },
  {
    operation: 'invoke-stream',
    method: 'POST',
    pattern: /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/,
  },
  { operation: 'list', method: 'GET', pattern: /^\/2015-03-31\/functions\/?$/ },
  { operation: 'get', method: 'GET', pattern: /^\/2015-03-31\/functions\/([^/]+)$/ },
  {
    operation: 'get-configuration',
    method: 'GET',
    pattern: /^\/2015-03-31\/functions\/([^/]+)\/configuration$/,
  },
];

/** Whether a path is one of Lambda's, which goes before any trigger: `/{a}/{b}/{c}/{d}` would fit it, too. */
export const isLambda = (path: string): boolean =>
  path.startsWith('/20') && (path.startsWith('/2015-03-31/') || path.startsWith('/2021-11-15/'));

/**
 * @param path as received; the name in it is percent-encoded: `users%2Ffind`
 * @param query raw, without `?`
 * @returns `undefined` for an operation that the mesh does not have
 */
export function targetOf(method: string | undefined, path: string, query: string): Target | undefined {
  for (const { operation, method: expected, pattern } of ADDRESSES) {
    const found = method === expected ? pattern.exec(path) : null;
    const name = found && decode(found[1] ?? '');
    if (typeof name === 'string') return { operation, name, ...qualifierIn(query) };
  }
  return undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function qualifierIn(query: string): { qualifier?: string } {
  const qualifier = query === '' ? null : new URLSearchParams(query).get('Qualifier');
  return qualifier === null || qualifier === '' ? {} : { qualifier };
}
