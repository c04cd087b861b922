import { describe, expect, it } from '@jest/globals';
import type { Route } from '#contracts';
import { openApiOf } from './openapi.js';

const route = {
  path: 'users/find',
  revision: 1,
  aliases: {},
  versions: [{ version: '1.0.0', weight: 100, triggers: [{ http: { method: 'GET', path: '/users/{id}' } }] }],
} as unknown as Route;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
const document = openApiOf([route], new Map(), '/') as Document;

const refsIn = (value: unknown): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, part]) => (name === '$ref' ? [part as string] : refsIn(part)))
    : [];
const at = (ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>((part, name) => (part as Record<string, unknown>)?.[name], document);

describe('the OpenAPI document', () => {
  it('has no reference that leads nowhere', () => {
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs) expect([ref, typeof at(ref)]).toEqual([ref, 'object']);
  });

  it('says of every handler that its caller need not wait', () => {
    expect(document.paths['/users/{id}']).toMatchObject({
      parameters: expect.arrayContaining([{ $ref: '#/components/parameters/Prefer' }]),
      get: { responses: { 202: { $ref: '#/components/responses/Accepted' } } },
    });
  });

  it('has the invocations themselves', () => {
    expect(Object.keys(document.paths['/invocations/{id}'] ?? {})).toEqual(['get', 'delete']);
    expect(document.paths['/invocations/{id}/result']).toHaveProperty('get');
  });
});
