import { functionArn } from '../../../contracts/src/lambda-names.js';
import type { HandlerContext, JsonValue, LambdaContext } from '../author-types.js';
import type { Asked } from './shape.js';

/**
 * A context that also has what Lambda's Node.js runtime gives ("Using the Lambda context object"), so that a function
 * runs unchanged. Left out: `memoryLimitInMB`, which this side does not know, and `done`, `fail` and `succeed`, which
 * Lambda itself has given up.
 */
export function lambdaContext(context: HandlerContext, asked: Asked): HandlerContext & LambdaContext {
  const { path, version, envelope } = asked;
  const { invokedFunctionArn, clientContext } = envelope.meta.attributes ?? {};
  const remainingTime = context.remainingTime;
  return Object.assign(context, {
    awsRequestId: envelope.id,
    functionName: path,
    functionVersion: version,
    invokedFunctionArn: typeof invokedFunctionArn === 'string' ? invokedFunctionArn : functionArn(path),
    logGroupName: `/aws/lambda/${path}`,
    logStreamName: `${path}@${version}`,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.floor(remainingTime()),
    clientContext: clientContext as JsonValue | undefined,
    identity: undefined,
  });
}
