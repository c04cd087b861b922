import { LAMBDA_ACCOUNT } from '../../../contracts/src/lambda-names.js';
import type { Values } from '../author-types.js';
import { statusAnswer } from './gateway-answer.js';
import { domainOf, type GatewayRequest, gatewayRequest, requestTime } from './gateway-request.js';
import { jsonAnswer, textAnswer } from './lambda-answer.js';
import type { Shape } from './shape.js';

/** API Gateway's payload format 2.0 ("Working with AWS Lambda proxy integrations for HTTP APIs"). */
export const apigatewayV2: Shape = {
  document: (asked) => documentOf(gatewayRequest(asked)),
  answer(returned) {
    if (typeof returned === 'object' && returned !== null && 'statusCode' in returned)
      return statusAnswer(returned as Record<string, unknown>);
    // Without a statusCode: 200, application/json, and the result is the body; text stands for itself.
    return typeof returned === 'string' ? textAnswer(returned, 'application/json') : jsonAnswer(returned);
  },
};

function documentOf(request: GatewayRequest) {
  const { method, path, id, time, isBase64Encoded, body, params } = request;
  const { cookie, ...headers } = request.headers;
  const routeKey = `${request.anyMethod ? 'ANY' : method} ${request.resource}`;
  const query = joined(request.query);
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: request.rawQuery,
    ...(cookie === undefined ? {} : { cookies: [cookie].flat().flatMap((one) => one.split(/; */)) }),
    headers: joined(headers),
    ...(Object.keys(query).length === 0 ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: LAMBDA_ACCOUNT,
      apiId: 'lambda-mesh',
      ...domainOf(headers.host),
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: String(headers['user-agent'] ?? ''),
      },
      requestId: id,
      routeKey,
      stage: '$default',
      time: requestTime(time),
      timeEpoch: time,
    },
    ...(body === undefined ? {} : { body }),
    ...(Object.keys(params).length === 0 ? {} : { pathParameters: { ...params } }),
    isBase64Encoded,
  };
}

/** Duplicates are joined by a comma. */
const joined = (values: Values): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value].flat().join(',')]));
