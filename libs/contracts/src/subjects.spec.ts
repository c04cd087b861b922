import { expect, it } from '@jest/globals';
import type { ControlPath } from './control-path.js';
import * as subjects from './subjects.js';

// Other programs lean on these names: docs and DESIGN's "Contract".
it.each([
  [subjects.callSubject, 'mesh.call.users.find'],
  [subjects.workSubject, 'mesh.work.users.find'],
  [subjects.deadSubject, 'mesh.dead.users.find'],
  [subjects.logSubject, 'mesh.log.users.find'],
  [subjects.routeKey, 'users.find'],
])('%p of users/find', (subjectOf, subject) => {
  expect(subjectOf('users/find' as ControlPath)).toBe(subject);
});

it('the fixed names', () => {
  expect(subjects.cancelSubject('0190d0c0')).toBe('mesh.cancel.0190d0c0');
  expect(subjects.ROUTES_BUCKET).toBe('mesh_routes');
  expect(subjects.EXECUTOR_QUEUE).toBe('executor');
  expect([subjects.REGISTRY_DESCRIBE, subjects.REGISTRY_REPORT]).toEqual([
    'mesh.registry.describe',
    'mesh.registry.report',
  ]);
});
