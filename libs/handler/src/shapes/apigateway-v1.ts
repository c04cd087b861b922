import { MeshError } from '../../../contracts/src/errors.js';
import { LAMBDA_ACCOUNT } from '../../../contracts/src/lambda-names.js';
import type { Values } from '../author-types.js';
import { statusAnswer } from './gateway-answer.js';
import { domainOf, type GatewayRequest, gatewayRequest, requestTime } from './gateway-request.js';
import type { Shape } from './shape.js';

/** API Gateway's payload format 1.0 ("Lambda proxy integrations in API Gateway"): a REST API's document. */
export const apigatewayV1: Shape = {
  document: (asked) => documentOf(gatewayRequest(asked)),
  answer(returned) {
    if (typeof returned !== 'object' || returned === null || !('statusCode' in returned))
      throw new MeshError('bad-answer', 'API Gateway 1.0 wants { statusCode, headers, body }.');
    return v1Answer(returned as Record<string, unknown>);
  },
};

function documentOf(request: GatewayRequest) {
  const { id, method, path, resource, time, body, isBase64Encoded, params, headers, query } = request;
  return {
    version: '1.0',
    resource,
    path,
    httpMethod: method,
    headers: lastOf(headers),
    multiValueHeaders: listsOf(headers),
    queryStringParameters: orNull(lastOf(query)),
    multiValueQueryStringParameters: orNull(listsOf(query)),
    requestContext: {
      accountId: LAMBDA_ACCOUNT,
      apiId: 'lambda-mesh',
      ...domainOf(headers.host),
      extendedRequestId: id,
      httpMethod: method,
      identity: {
        ...NO_IDENTITY,
        sourceIp: request.sourceIp,
        userAgent: lastOf(headers)['user-agent'] ?? null,
      },
      path,
      protocol: 'HTTP/1.1',
      requestId: id,
      requestTime: requestTime(time),
      requestTimeEpoch: time,
      resourceId: null,
      resourcePath: resource,
      stage: '$default',
    },
    pathParameters: orNull({ ...params }),
    stageVariables: null,
    body: body ?? null,
    isBase64Encoded,
  };
}

const NO_IDENTITY = {
  accessKey: null,
  accountId: null,
  caller: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

const entriesOf = (values: Values): [name: string, values: string[]][] =>
  Object.entries(values).map(([name, value]) => [name, [value].flat()]);
const lastOf = (values: Values): Record<string, string> =>
  Object.fromEntries(entriesOf(values).map(([name, all]) => [name, all.at(-1) ?? '']));
const listsOf = (values: Values): Record<string, string[]> => Object.fromEntries(entriesOf(values));
const orNull = <T extends object>(values: T): T | null => (Object.keys(values).length === 0 ? null : values);

/** "API Gateway merges them into a single list"; a key in both has the values of multiValueHeaders. */
function v1Answer({ multiValueHeaders, headers, ...answer }: Record<string, unknown>) {
  const merged: Record<string, unknown> = { 'content-type': 'application/json' };
  for (const some of [headers, multiValueHeaders])
    for (const [name, value] of Object.entries(some ?? {})) merged[name.toLowerCase()] = oneOrMany(value);
  return statusAnswer({ ...answer, headers: merged });
}

const oneOrMany = (value: unknown): unknown =>
  Array.isArray(value) && value.length === 1 ? value[0] : value;
