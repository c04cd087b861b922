/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The "source" condition of package.json#imports: specs run on src, not on dist.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: [
    '<rootDir>/apps/**/*.spec.ts',
    '<rootDir>/libs/**/*.spec.ts',
    '<rootDir>/examples/**/*.spec.ts',
    '<rootDir>/test/**/*.spec.ts',
  ],
  // Mosquitto and interpreters are no npm packages: what needs them runs by `npm run test:mosquitto`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/mosquitto/', '<rootDir>/test/debian/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.mesh/'],
  // Scenarios mostly wait for servers: two at a time use two cores, where jest by itself would use one.
  maxWorkers: 2,
  // Above what scenarios themselves wait for, mostly up to 60 s: whose wait ends first says what was seen last.
  testTimeout: 90_000,
  // './x.js' in TypeScript source means './x.ts'.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/'],
};
