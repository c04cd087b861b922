import { describe, expect, it } from '@jest/globals';
import type { ManifestInput } from '../../contracts/src/manifest.js';
import type { HandlerOptions } from './author-types.js';
import { isDefinition } from './definition.js';
import { FAIL, handler, OK, λ } from './index.js';

const run = () => 1;

describe('handler', () => {
  it('takes a path, options and a function; options may be left out', () => {
    expect(handler('users/find', { version: '1.0.0' }, run)).toMatchObject({
      path: 'users/find',
      options: { version: '1.0.0' },
      run,
    });
    expect(handler('users/find', run)).toMatchObject({ path: 'users/find', options: {}, run });
    expect(λ).toBe(handler);
    expect([OK, FAIL]).toEqual(['OK', 'FAIL']);
  });

  it('is frozen, and does not follow its author’s later changes of the options', () => {
    const options = { version: '1.0.0' };
    const definition = handler('a', options, run);
    options.version = '2.0.0';
    expect(definition.options.version).toBe('1.0.0');
    expect(Object.isFrozen(definition)).toBe(true);
  });

  it.each([
    ['no path', ['', run], 'path must be a control path'],
    ['a path of another kind', [42, run], 'path must be a control path'],
    ['no function', ['a', {}], 'fn must be a function'],
    ['nothing else', ['a'], 'options must be an object'],
    ['a list as options', ['a', [], run], 'options must be an object'],
    ['null as options', ['a', null, run], 'options must be an object'],
    ['two functions', ['a', run, run], 'options must be an object'],
  ])('refuses %s', (_what, args, message) => {
    const loose = handler as (...args: unknown[]) => unknown;
    expect(() => loose(...args)).toThrow(new RegExp(`^handler\\(.*${message}`));
    expect(() => loose(...args)).toThrow(TypeError);
  });

  it('is recognised across copies of the package, and nothing else is', () => {
    const foreign = { [Symbol.for('lambda-mesh.handler')]: 1, path: 'a', options: {}, run };
    expect(isDefinition(foreign)).toBe(true);
    for (const other of [undefined, null, run, {}, 'users/find', { path: 'a', options: {}, run }])
      expect(isDefinition(other)).toBe(false);
  });

  it('has options that a manifest can hold', () => {
    const asManifest = (options: HandlerOptions): Partial<ManifestInput> => options;
    expect(asManifest({ version: '1.0.0', env: ['A'] })).toEqual({ version: '1.0.0', env: ['A'] });
  });
});
