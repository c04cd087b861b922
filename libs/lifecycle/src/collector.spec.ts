import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const COLLECTOR = new URL('../../../dist/libs/lifecycle/src/collector.js', import.meta.url);

/**
 * In a process of its own, whose flags they are. V8 tells by a number that stands in compiled code, too, whether all flags
 * are as they were.
 */
const PROGRAM = `
  import { cachedDataVersionTag as tag } from 'node:v8';
  const { threadStarts, tuneCollector } = await import('${COLLECTOR.href}');
  const tags = [tag()];
  const note = () => tags.push(tag());
  threadStarts()(); note();
  tuneCollector(); note();
  const first = threadStarts(), second = threadStarts(); note();
  first(); first(); note();
  second(); note();
  console.log(JSON.stringify(tags.map((one) => one === tags[0])));
`;

describe('the flag of the collector', () => {
  it('is set once it is asked for, but while threads start', async () => {
    const args = ['--input-type=module', '--eval', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const [atFirst, unasked, tuned, twoStart, oneStarts, allUp] = JSON.parse(stdout) as boolean[];
    expect({ atFirst, unasked, tuned, twoStart, oneStarts, allUp }).toEqual({
      atFirst: true,
      unasked: true,
      tuned: false,
      twoStart: true,
      oneStarts: true,
      allUp: false,
    });
  });
});
