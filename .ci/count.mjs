// Adds up what the test runners reported: `N passed, N failed`. Fails when anything did, or when nothing ran.
import { readFileSync } from 'node:fs';

const [otherFailures, ...files] = process.argv.slice(2);
let passed = 0;
let failed = Number(otherFailures);
for (const file of files) {
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites = 0 } = JSON.parse(readFileSync(file, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests + numRuntimeErrorTestSuites;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
