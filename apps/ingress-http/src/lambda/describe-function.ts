import { DEFAULT_TIMEOUT_MS, functionArn, LATEST, type LiveVersion, type Route } from '#contracts';
import { candidates } from '../async/secret-headers.js';
import type { HttpResponse } from '../from-result.js';
import type { Operation } from './target.js';

/* What tools ask before they invoke: which functions there are, and a little of each. Read from the routing table. */

/** ListFunctions, on one page. */
export function describeFunctions(routes: readonly Route[]): HttpResponse {
  return json({ Functions: routes.map((route) => configurationOf(route, undefined)) });
}

export function describeFunction(
  operation: Exclude<Operation, 'invoke' | 'invoke-stream' | 'list'>,
  route: Route,
  qualifier: string | undefined,
): HttpResponse {
  const configuration = configurationOf(route, qualifier);
  if (operation === 'get-configuration') return json(configuration);
  // Artifacts are behind the registry and its tokens: no location of the code is given.
  return json({ Configuration: configuration, Code: { RepositoryType: 'Lambda-Mesh' }, Tags: {} });
}

function configurationOf(route: Route, qualifier: string | undefined): object {
  const { path } = route;
  const version = mainOf(candidates(route, qualifier));
  const { entry, export: exportName = 'handler', runtime, limits, digest } = version;
  const timeout = Math.ceil((limits.timeoutMs ?? DEFAULT_TIMEOUT_MS) / 1_000);
  return {
    FunctionName: path,
    FunctionArn: functionArn(path, qualifier),
    Version: qualifier === undefined ? LATEST : version.version,
    Runtime: runtime === 'node' ? 'nodejs24.x' : 'provided.al2023',
    Handler: `${entry.replace(/\.[^.]*$/, '')}.${exportName}`,
    Timeout: timeout,
    ...(limits.memoryMb === undefined ? undefined : { MemorySize: limits.memoryMb }),
    CodeSha256: Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64'),
    PackageType: 'Zip',
    State: 'Active',
  };
}

/** The one with the greatest weight. */
const mainOf = (versions: readonly LiveVersion[]): LiveVersion =>
  versions.reduce((a, b) => (b.weight > a.weight ? b : a));

function json(value: object): HttpResponse {
  const body = Buffer.from(JSON.stringify(value));
  return {
    status: 200,
    headers: ['content-type', 'application/json', 'content-length', String(body.length)],
    body,
  };
}
