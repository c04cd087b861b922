import { describe, expect, it } from '@jest/globals';
import type { HandlerContext, HandlerEvent } from './author-types.js';
import { handler } from './definition.js';
import { resolveHandler } from './resolve-handler.js';

const find = handler('users/find', () => 'find');
const greet = handler('users/greet', () => 'greet');
const fn = (first: unknown) => first;
const other = (first: unknown) => first;

const event = (body: unknown) => ({ body }) as HandlerEvent;
const context = {} as HandlerContext;

describe('resolveHandler', () => {
  it.each([
    ['the default definition', { default: find }, undefined, 'default', 'definition'],
    ['a named definition', { find }, undefined, 'find', 'definition'],
    ['one definition under two names', { a: find, b: find }, undefined, 'a', 'definition'],
    [
      'a definition before plain exports',
      { find, handle: fn, handler: other },
      undefined,
      'find',
      'definition',
    ],
    ['default before other definitions', { greet, default: find }, undefined, 'default', 'definition'],
    ['handle', { handle: fn }, undefined, 'handle', 'payload'],
    ['handler', { handler: fn }, undefined, 'handler', 'event'],
    ['handleEvent', { handleEvent: fn }, undefined, 'handleEvent', 'event'],
    ['a default function', { default: fn }, undefined, 'default', 'event'],
    ['one function under two names', { default: fn, handle: fn }, undefined, 'handle', 'payload'],
    ['what other exports stand beside', { handle: fn, decode: other }, undefined, 'handle', 'payload'],
    ['a CommonJS module', { default: { handler: fn } }, undefined, 'handler', 'event'],
    ['a transpiled CommonJS module', { default: { default: find } }, undefined, 'default', 'definition'],
    ['the named export', { handle: fn, handler: other }, 'handler', 'handler', 'event'],
    ['the named definition', { find, greet }, 'greet', 'greet', 'definition'],
    ['a named export of any name', { decode: fn }, 'decode', 'decode', 'event'],
  ])('finds %s', (_what, module, named, exportName, form) => {
    expect(resolveHandler(module, named)).toMatchObject({ exportName, form });
  });

  it('finds the definition with the expected path among several, also before default', () => {
    expect(resolveHandler({ find, greet }, undefined, 'users/greet').path).toBe('users/greet');
    expect(resolveHandler({ default: find, greet }, undefined, 'users/greet').path).toBe('users/greet');
  });

  it.each([
    ['nothing', {}, undefined, 'It exports: nothing. Export one:'],
    ['nothing usable', { a: fn, b: 1 }, undefined, 'It exports: a, b. Export one:'],
    ['several definitions', { find, greet }, undefined, 'several: find (users/find), greet (users/greet)'],
    [
      'several plain ones',
      { handle: fn, handler: other },
      undefined,
      'several that could be one: handler, handle',
    ],
    ['a default and a named one', { default: fn, handle: other }, undefined, 'several that could be one'],
    ['a named export that is not there', { handle: fn }, 'x', '"x", which is not there; there is: handle'],
    ['a named export that is no handler', { x: 1 }, 'x', '"x", which is no handler'],
  ])('refuses %s', (_what, module, named, message) => {
    expect(() => resolveHandler(module, named)).toThrow(
      expect.objectContaining({ code: 'no-handler', detail: expect.stringContaining(message) }),
    );
  });

  it('refuses a module that names another path, and says both', () => {
    for (const named of [undefined, 'default'])
      expect(() => resolveHandler({ default: find }, named, 'users/lost')).toThrow(
        expect.objectContaining({
          code: 'path-mismatch',
          detail: expect.stringMatching(/"users\/lost".*"users\/find".*Pack it again/),
        }),
      );
  });

  it('gives the event to (event, context) and the decoded body to handle(payload)', () => {
    const seen = event('text');
    expect(resolveHandler({ handler: fn }).invoke(seen, context)).toBe(seen);
    expect(resolveHandler({ handle: fn }).invoke(seen, context)).toBe('text');
  });

  it.each([
    [{ payload: 'line' }, 'line'],
    [
      { payload: 'line', more: 1 },
      { payload: 'line', more: 1 },
    ],
    [{ payload: { a: 1 } }, { payload: { a: 1 } }],
    [{ a: 1 }, { a: 1 }],
    [null, null],
    [[1], [1]],
  ])('gives handle the payload of %j', (body, payload) => {
    expect(resolveHandler({ handle: fn }).invoke(event(body), context)).toEqual(payload);
  });
});
