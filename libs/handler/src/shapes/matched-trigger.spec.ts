import { describe, expect, it } from '@jest/globals';
import type { HttpTrigger } from '../../../contracts/src/manifest.js';
import { matchedTrigger } from './matched-trigger.js';

const OF = 'users/find';
const matched = (request: string, ...http: HttpTrigger[]): string | undefined => {
  const [method = '', path = ''] = request.split(' ');
  const found = matchedTrigger({ method, path }, OF, http);
  return found && `${found.method === undefined ? 'ANY' : [found.method].flat().join()} ${found.path}`;
};
const at = (...paths: string[]): HttpTrigger[] => paths.map((path) => ({ path }));

describe('the trigger that a request came by', () => {
  it.each<[string, string | undefined, HttpTrigger[]]>([
    // A literal segment before a parameter, from the left, however many parameters there are.
    ['GET /x/b', 'ANY /x/{b}', at('/{a}/b', '/x/{b}')],
    ['GET /x/b', 'ANY /x/{b}', at('/x/{b}', '/{a}/b')],
    ['GET /q/b', 'ANY /{a}/b', at('/x/{b}', '/{a}/b')],
    ['GET /x/y/z', 'ANY /x/{b}/{c}', at('/{a}/y/z', '/x/{b}/{c}')],
    ['GET /users/all', 'ANY /users/all', at('/users/{id}', '/users/all')],
    ['GET /users/a%2Fb', 'ANY /users/{id}', at('/users/{id}', '/users/{id}/{x}')],
    // Without a path it is the handler's own, and no other.
    ['GET /users/find', 'GET /users/find', [{ method: 'GET' }, ...at('/{a}/{b}')]],
    ['GET /x/b', 'ANY /{a}/{b}', [{}, ...at('/{a}/{b}')]],
    // The pattern first; of it the trigger that names the method, else the one that takes any.
    ['POST /x', 'POST,PUT /x', [{ path: '/x' }, { method: ['POST', 'PUT'], path: '/x' }]],
    ['GET /x', 'ANY /x', [{ path: '/x' }, { method: 'POST', path: '/x' }]],
    ['PUT /x/1', 'PUT /x/{b}', [{ path: '/x/{a}' }, { method: 'PUT', path: '/x/{b}' }]],
    ['HEAD /x', 'GET /x', [{ method: 'GET', path: '/x' }]],
    // A version that is named behind it.
    ['GET /users/find@1.2.0', 'ANY /users/find', [{}]],
    ['GET /x/y@canary', 'ANY /x/y', at('/x/{b}', '/x/y')],
    ['GET /x/z@canary', 'ANY /x/{b}', at('/x/{b}', '/x/y')],
    ['GET /x/y@No!', 'ANY /x/{b}', at('/x/{b}', '/x/y')],
    ['POST /users/find', undefined, [{ method: 'GET' }]],
    ['POST /users/find', undefined, []],
  ])('of %s is %s', (request, trigger, http) => {
    expect(matched(request, ...http)).toBe(trigger);
  });
});
