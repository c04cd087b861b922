import { describe, expect, it } from '@jest/globals';
import {
  asMeshError,
  ERRORS,
  type ErrorCode,
  isErrorCode,
  isMeshError,
  MeshError,
  problemOf,
} from './errors.js';

const CODES = Object.entries(ERRORS) as [ErrorCode, (typeof ERRORS)[ErrorCode]][];

describe('the table of errors', () => {
  it.each(CODES)('%s is consistent', (code, { status, fault, retry, title }) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(title).toMatch(/^[A-Z][^\n]{5,79}\.$/);
    if (status < 500 && status !== 429) expect(fault).toBe('caller');
    if (status >= 500) expect(fault).not.toBe('caller');
    if (status === 429 || status === 503) expect(retry).toBe('later');
    expect(new MeshError(code).status).toBe(status);
    expect(isErrorCode(code)).toBe(true);
  });

  it('does not know what only looks like a code', () => {
    for (const text of ['toString', '__proto__', 'constructor', '', 'NO-ROUTE', undefined, 404])
      expect(isErrorCode(text)).toBe(false);
  });
});

describe('a problem', () => {
  it.each(CODES)('%s has all that RFC 9457 names', (code, { status, fault, retry, title }) => {
    const id = '0190d0c0-0000-7000-8000-000000000000';
    expect(problemOf(new MeshError(code, 'why'), id)).toEqual({
      type: `urn:lambda-mesh:error:${code}`,
      title,
      status,
      code,
      fault,
      retry,
      detail: 'why',
      instance: `urn:uuid:${id}`,
    });
  });

  it('leaves out what is not known', () => {
    expect(Object.keys(problemOf(new MeshError('no-route')))).toEqual([
      'type',
      'title',
      'status',
      'code',
      'fault',
      'retry',
    ]);
  });

  it('never says what caused it', () => {
    const error = asMeshError(new Error('secret at /home/me/file.ts:1'));
    expect(error.code).toBe('internal');
    expect(JSON.stringify(problemOf(error))).not.toContain('secret');
    expect((error.cause as Error).message).toContain('secret');
  });
});

describe('an error of the mesh', () => {
  it('is known by its code, also when its class is another copy', () => {
    const copy = Object.assign(new Error('No.'), { name: 'MeshError', code: 'no-route' });
    expect(isMeshError(copy)).toBe(true);
    expect(asMeshError(copy)).toBe(copy);
  });

  it.each([null, undefined, 'no-route', { name: 'MeshError', code: 'no-route' }, new Error('x')])(
    'is not %p',
    (value) => {
      expect(isMeshError(value)).toBe(false);
      expect(asMeshError(value).code).toBe('internal');
    },
  );

  it('says in one sentence what happened and what was wrong', () => {
    expect(new MeshError('bad-request', 'The Host header is missing.').message).toBe(
      'The request is malformed. The Host header is missing.',
    );
  });
});
