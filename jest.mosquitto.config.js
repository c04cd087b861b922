import base from './jest.config.js';

/** What needs programs of the system, Mosquitto or interpreters of other languages, beside what `npm test` runs. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/test/mosquitto/**/*.spec.ts', '<rootDir>/test/debian/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
