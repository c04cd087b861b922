import { expect, it } from '@jest/globals';
import { Gate } from './gate.js';

it('lets as many run at once as it was told, has some wait, and refuses the others', () => {
  const gate = new Gate<string>(2, 1);
  const admitted = ['a', 'b', 'c', 'd'].map((one) => gate.admit(one, false));
  expect(admitted).toEqual(['runs', 'runs', 'waits', 'refused']);
});

it('has those that wait begin in their order, each when one has ended', () => {
  const gate = new Gate<string>(1, 3);
  for (const one of ['a', 'b', 'c', 'd']) gate.admit(one, false);
  expect([gate.leave(), gate.leave(), gate.leave()]).toEqual(['b', 'c', 'd']);
  expect(gate.admit('e', false)).toBe('waits');
  gate.leave();
  expect(gate.leave()).toBeUndefined();
  expect(gate.admit('f', false)).toBe('runs');
});

it('forgets who does not wait any more, and has room for another', () => {
  const gate = new Gate<string>(1, 1);
  for (const one of ['a', 'b']) gate.admit(one, false);
  gate.abandon('b');
  gate.abandon('nobody');
  expect(gate.admit('c', false)).toBe('waits');
  expect(gate.leave()).toBe('c');
});

it('has the patient wait beyond its bound', () => {
  const gate = new Gate<string>(1, 0);
  gate.admit('a', false);
  expect([gate.admit('b', false), gate.admit('c', true)]).toEqual(['refused', 'waits']);
  expect(gate.leave()).toBe('c');
});

it('has calls and work that wait begin in turns, and neither takes the places of the other', () => {
  const gate = new Gate<string>(1, 2);
  for (const one of ['a', 'b', 'c']) gate.admit(one, false);
  for (const one of ['v', 'w', 'x']) gate.admit(one, true);
  expect(gate.isFull).toBe(true);
  const begun = Array.from({ length: 6 }, () => gate.leave());
  expect(begun).toEqual(['b', 'v', 'c', 'w', 'x', undefined]);
});

it('has more begin when more are allowed, and fewer when fewer are', () => {
  const gate = new Gate<string>(1, 9);
  for (const one of ['a', 'b', 'c', 'd']) gate.admit(one, false);
  gate.concurrency = 3;
  expect([gate.next(), gate.next(), gate.next()]).toEqual(['b', 'c', undefined]);
  gate.concurrency = 1;
  expect([gate.leave(), gate.leave(), gate.leave()]).toEqual([undefined, undefined, 'd']);
});

it('knows when those that wait will have begun, from how fast it went so far', () => {
  let now = 0;
  const gate = new Gate<number>(2, 100, () => now);
  for (let n = 0; n < 12; n++) gate.admit(n, false);
  expect(gate.waitMs).toBe(1_000);
  for (let n = 0; n < 4; n++) {
    now += 250;
    gate.leave();
  }
  // One every quarter of a second, and six are before the next one.
  expect(gate.waitMs).toBe(7 * 250);
});
