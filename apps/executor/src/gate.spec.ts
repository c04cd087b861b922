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
