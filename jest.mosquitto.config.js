import base from './jest.config.js';

/** What needs a Mosquitto from the system, beside what `npm test` runs. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/test/mosquitto/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
};
