/*
 * What a handler is called where AWS Lambda's words are spoken. Region and account are made up, since code takes ARNs
 * apart and expects something between the colons.
 */

export const LAMBDA_REGION = 'us-east-1';
export const LAMBDA_ACCOUNT = '000000000000';
/** What Lambda calls the version that is not a published one: here, whatever the route decides. */
export const LATEST = '$LATEST';

/**
 * `arn:aws:lambda:us-east-1:000000000000:function:users/find`: its last part is the path, so that it can be invoked.
 * @param qualifier version or alias that the caller named
 */
export const functionArn = (path: string, qualifier?: string): string =>
  `arn:aws:lambda:${LAMBDA_REGION}:${LAMBDA_ACCOUNT}:function:${path}${qualifier === undefined ? '' : `:${qualifier}`}`;
