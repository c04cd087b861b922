import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deadlines } from './deadlines.js';

describe('deadlines', () => {
  let passed: string[];
  let deadlines: Deadlines;
  const begin = (ms: number, name: string) => deadlines.begin(ms, (of: string) => passed.push(of), name);

  beforeEach(() => {
    jest.useFakeTimers();
    passed = [];
    deadlines = new Deadlines();
  });
  afterEach(() => void jest.useRealTimers());

  it('pass at their time, each once, in whatever row they stand', () => {
    begin(100, 'a');
    begin(50, 'b');
    jest.advanceTimersByTime(30);
    begin(50, 'c');
    begin(100, 'd');
    jest.advanceTimersByTime(19);
    expect(passed).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(passed).toEqual(['b']);
    jest.advanceTimersByTime(30);
    expect(passed).toEqual(['b', 'c']);
    jest.advanceTimersByTime(20);
    expect(passed).toEqual(['b', 'c', 'a']);
    jest.advanceTimersByTime(10_000);
    expect(passed).toEqual(['b', 'c', 'a', 'd']);
  });

  it('do not pass when they are called off, wherever they stand, even twice', () => {
    const [a, b, , d] = ['a', 'b', 'c', 'd'].map((name) => begin(100, name));
    b?.callOff();
    d?.callOff();
    a?.callOff();
    a?.callOff();
    jest.advanceTimersByTime(1_000);
    expect(passed).toEqual(['c']);
  });

  it('are called off by one that passes, and begin by it', () => {
    const next = () => {
      passed.push('first');
      second.callOff();
      begin(10, 'third');
    };
    deadlines.begin(10, next, undefined);
    const second = begin(10, 'second');
    jest.advanceTimersByTime(10);
    expect(passed).toEqual(['first']);
    jest.advanceTimersByTime(10);
    expect(passed).toEqual(['first', 'third']);
  });

  it('leave no timer behind for long', () => {
    for (let n = 0; n < 1_000; n++) begin(100, String(n)).callOff();
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(100);
    expect(jest.getTimerCount()).toBe(0);
    begin(100, 'later');
    jest.advanceTimersByTime(100);
    expect(passed).toEqual(['later']);
  });

  it('pass in order, however many there are', () => {
    const many = Array.from({ length: 500 }, (_, n) => begin(100, String(n)));
    const kept = many.flatMap((deadline, n) => {
      if (n % 3 === 0) deadline.callOff();
      return n % 3 === 0 ? [] : [String(n)];
    });
    jest.advanceTimersByTime(100);
    expect(passed).toEqual(kept);
  });
});
