import { expect, it } from '@jest/globals';
import { Readiness } from './readiness.js';

it('is ready while every check holds, and says which does not', () => {
  const state = { nats: false, routes: true };
  const readiness = new Readiness().check('nats', () => state.nats).check('routes', () => state.routes);
  expect([readiness.ready, readiness.report()]).toEqual([false, { nats: false, routes: true }]);
  state.nats = true;
  expect([readiness.ready, readiness.report()]).toEqual([true, { nats: true, routes: true }]);
});

it('is ready with nothing to check, and never again once it stops', () => {
  const readiness = new Readiness();
  expect(readiness.ready).toBe(true);
  readiness.stopping();
  expect([readiness.ready, readiness.report()]).toEqual([false, { stopping: true }]);
});
