import type { Route } from '#contracts';
import type { HandlerDescription } from '#lifecycle';
import {
  ACCEPTED,
  ASYNC_PARAMETER_REFS,
  ASYNC_PARAMETERS,
  ASYNC_SCHEMAS,
  INVOCATION_PATHS,
} from './openapi-async.js';
import { httpTriggersOf } from './router.js';

/** OpenAPI 3.1 of the handlers that are live now. `descriptions` may lack any of them: the registry may be away. */
export function openApiOf(
  routes: Iterable<Route>,
  descriptions: ReadonlyMap<string, HandlerDescription>,
  serverUrl: string,
): object {
  const paths: Record<string, Record<string, object | readonly object[]>> = {};
  for (const route of routes)
    for (const { method, path = `/${route.path}` } of httpTriggersOf(route)) {
      // Of the path, not of each operation: there may be 10,000.
      paths[path] ??= { parameters: ASYNC_PARAMETER_REFS };
      for (const verb of method === undefined ? ['GET', 'POST'] : [method].flat())
        paths[path][verb.toLowerCase()] = operationOf(route, verb, path, descriptions.get(route.path));
    }
  return {
    openapi: '3.1.0',
    info: { title: 'λ-mesh handlers', version: '1.0.0', description: 'The handlers that are live now.' },
    servers: [{ url: serverUrl }],
    paths: { ...paths, ...INVOCATION_PATHS },
    components: {
      schemas: { Problem: PROBLEM, ...ASYNC_SCHEMAS },
      parameters: ASYNC_PARAMETERS,
      responses: { Accepted: ACCEPTED },
    },
  };
}

function operationOf(
  route: Route,
  verb: string,
  path: string,
  description: HandlerDescription | undefined,
): object {
  const version = route.versions.map((live) => live.version).join(', ');
  const takesBody = verb !== 'GET' && verb !== 'HEAD' && verb !== 'DELETE';
  return {
    operationId: `${verb.toLowerCase()}_${route.path.replaceAll('/', '_')}`,
    summary: description?.description ?? route.path,
    tags: [route.path.split('/')[0]],
    parameters: parametersOf(path),
    ...(takesBody ? { requestBody: { content: { '*/*': {} } } } : {}),
    responses: {
      '2XX': { description: 'The handler’s answer.' },
      202: { $ref: '#/components/responses/Accepted' },
      default: {
        description: 'An error.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
    'x-mesh': { path: route.path, version, ...(description?.meta ? { meta: description.meta } : {}) },
  };
}

function parametersOf(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    fault: { enum: ['caller', 'handler', 'mesh'] },
    retry: { enum: ['never', 'later'] },
    detail: { type: 'string' },
    instance: { type: 'string' },
  },
};
