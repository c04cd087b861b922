import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, MeshError } from '#contracts';
import { isAway, untilCertain } from './until-certain.js';

/** Fails with these, one after the other, then succeeds. */
function failing(...codes: ErrorCode[]) {
  const act = async () => {
    const code = codes.shift();
    if (code) throw new MeshError(code);
    return 'done';
  };
  return { act, left: codes };
}

describe('until it is certain', () => {
  it('does it again while the server is away', async () => {
    const { act } = failing('not-connected', 'deadline-exceeded');
    expect(await untilCertain(act, 5_000)).toBe('done');
  });

  it('gives up when the time is up, with what it was', async () => {
    const { act, left } = failing('not-connected', 'not-connected', 'not-connected');
    await expect(untilCertain(act, 0)).rejects.toMatchObject({ code: 'not-connected' });
    expect(left).toHaveLength(2);
  });

  it('is not for what does not pass by itself, unless it is said to', async () => {
    await expect(untilCertain(failing('queue-full').act, 5_000)).rejects.toMatchObject({
      code: 'queue-full',
    });
    expect(await untilCertain(failing('queue-full').act, 5_000, ['queue-full'])).toBe('done');
    await expect(untilCertain(() => Promise.reject(new Error('defect')), 5_000)).rejects.toThrow('defect');
  });

  it.each<[unknown, boolean]>([
    [new MeshError('not-connected'), true],
    [new MeshError('deadline-exceeded'), true],
    [new MeshError('queue-full'), false],
    [new Error('not-connected'), false],
  ])('%s: away %p', (error, away) => expect(isAway(error)).toBe(away));
});
