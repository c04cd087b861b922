import { describe, expect, it } from '@jest/globals';
import { parseFunctionName } from './function-name.js';
import { targetOf } from './target.js';

describe('a function name', () => {
  it.each<[string, string | undefined, { name: string; qualifier?: string }]>([
    ['users/find', undefined, { name: 'users/find' }],
    ['users-find', undefined, { name: 'users-find' }],
    ['users/find:1.2.0', undefined, { name: 'users/find', qualifier: '1.2.0' }],
    ['users/find@canary', undefined, { name: 'users/find', qualifier: 'canary' }],
    ['users/find', 'canary', { name: 'users/find', qualifier: 'canary' }],
    ['users/find:canary', 'canary', { name: 'users/find', qualifier: 'canary' }],
    ['users/find:$LATEST', undefined, { name: 'users/find' }],
    ['users/find', '$LATEST', { name: 'users/find' }],
    ['function:users-find', undefined, { name: 'users-find' }],
    ['123456789012:function:users-find:1.0.0', undefined, { name: 'users-find', qualifier: '1.0.0' }],
    ['arn:aws:lambda:eu-central-1:123456789012:function:f', undefined, { name: 'f' }],
    [
      'arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:f:prod',
      undefined,
      { name: 'f', qualifier: 'prod' },
    ],
    [
      'arn:aws:lambda:us-east-1:000000000000:function:users/find:1.0.0-rc.1',
      undefined,
      { name: 'users/find', qualifier: '1.0.0-rc.1' },
    ],
    // Names that begin as an ARN might.
    ['function', undefined, { name: 'function' }],
    ['arn', undefined, { name: 'arn' }],
    ['123456789012', undefined, { name: '123456789012' }],
  ])('%s with the qualifier %s is %j', (text, qualifier, named) => {
    expect(parseFunctionName(text, qualifier)).toEqual(named);
  });

  it.each<[string, string | undefined]>([
    ['', undefined],
    [':1.0.0', undefined],
    ['f:1.0.0', '2.0.0'],
    ['f:$LATEST', '1.0.0'],
    ['f', 'No Such'],
    ['f:', undefined],
    ['f', '*'],
  ])('%j with the qualifier %j is refused', (text, qualifier) => {
    expect(() => parseFunctionName(text, qualifier)).toThrow(
      expect.objectContaining({ type: 'InvalidParameterValueException' }),
    );
  });
});

describe('an address', () => {
  it.each<[string, string, string, object | undefined]>([
    [
      'POST',
      '/2015-03-31/functions/users%2Ffind/invocations',
      '',
      { operation: 'invoke', name: 'users/find' },
    ],
    [
      'POST',
      '/2015-03-31/functions/f/invocations',
      'Qualifier=%24LATEST',
      { operation: 'invoke', name: 'f', qualifier: '$LATEST' },
    ],
    ['POST', '/2015-03-31/functions/f/invocations', 'Qualifier=', { operation: 'invoke', name: 'f' }],
    [
      'POST',
      '/2021-11-15/functions/f/response-streaming-invocations',
      '',
      { operation: 'invoke-stream', name: 'f' },
    ],
    ['GET', '/2015-03-31/functions/', 'MaxItems=50', { operation: 'list', name: '' }],
    ['GET', '/2015-03-31/functions', '', { operation: 'list', name: '' }],
    ['GET', '/2015-03-31/functions/a%3Ab', '', { operation: 'get', name: 'a:b' }],
    ['GET', '/2015-03-31/functions/f/configuration', '', { operation: 'get-configuration', name: 'f' }],
    ['GET', '/2015-03-31/functions/f/invocations', '', undefined],
    ['POST', '/2015-03-31/functions/users/find/invocations', '', undefined],
    ['POST', '/2021-11-15/functions/f/invocations', '', undefined],
    ['POST', '/2015-03-31/functions/%ff/invocations', '', undefined],
    ['DELETE', '/2015-03-31/functions/f', '', undefined],
  ])('%s %s?%s is %j', (method, path, query, target) => {
    expect(targetOf(method, path, query)).toEqual(target);
  });
});
