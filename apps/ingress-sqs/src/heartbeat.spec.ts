import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Heartbeat } from './heartbeat.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a heartbeat', () => {
  it('has let its last beat end before the message is decided on', async () => {
    const beats: string[] = [];
    const slow = Promise.withResolvers<void>();
    const heartbeat = new Heartbeat(
      async () => {
        await slow.promise;
        beats.push('extended');
      },
      500,
      () => undefined,
    );
    await jest.advanceTimersByTimeAsync(600);
    const stopped = heartbeat.stop().then(() => beats.push('stopped'));
    slow.resolve();
    await stopped;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(beats).toEqual(['extended', 'stopped']);
  });

  it('goes on after a beat that failed, and says so', async () => {
    let beats = 0;
    const faults: unknown[] = [];
    const heartbeat = new Heartbeat(
      () => Promise.reject(new Error(`beat ${++beats}`)),
      500,
      (error) => faults.push(error),
    );
    await jest.advanceTimersByTimeAsync(1_100);
    await heartbeat.stop();
    expect(faults).toEqual([new Error('beat 1'), new Error('beat 2')]);
  });
});
