import { describe, expect, it } from '@jest/globals';
import type { ControlPath, Route } from '#contracts';
import { LiveArtifacts } from './live-artifacts.js';

const routeOf = (...digests: string[]) =>
  ({ versions: digests.map((digest) => ({ digest })) }) as unknown as Route;
const [A, B] = ['a', 'b'] as ControlPath[] as [ControlPath, ControlPath];

describe('live artifacts', () => {
  it('are those that a route names now', () => {
    const live = new LiveArtifacts();
    const which = () => ['1', '2', '3'].filter((digest) => live.has(digest)).join();
    expect(which()).toBe('');
    live.set(A, routeOf('1', '2'));
    expect(which()).toBe('1,2');
    live.set(A, routeOf('2', '3'));
    expect(which()).toBe('2,3');
    live.set(B, routeOf('3', '3'));
    live.set(A, undefined);
    expect(which()).toBe('3');
    live.set(B, routeOf());
    live.set(B, undefined);
    expect(which()).toBe('');
  });
});
