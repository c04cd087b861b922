import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { residentBytes } from '../watch.js';
import { groupBytes } from './group-memory.js';

const groups: ChildProcess[] = [];
afterEach(async () => {
  for (const child of groups.splice(0)) {
    const gone = once(child, 'close');
    process.kill(-(child.pid as number), 'SIGKILL');
    await gone;
  }
});

function group(script: string): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  groups.push(child);
  return child;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('the memory of a group', () => {
  it('is that of all its processes, also of those whose parent has ended', async () => {
    const leader = group('(sleep 600 & echo $!); exec sleep 600');
    const [text] = (await once(leader.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const [pid, orphan] = [leader.pid as number, Number(text)];
    await until(() => groupBytes(pid) === residentBytes(pid) + residentBytes(orphan));
    expect(residentBytes(pid)).toBeGreaterThan(0);
    expect(residentBytes(orphan)).toBeGreaterThan(0);
    expect(groupBytes(pid)).toBeLessThan(50_000_000);
    process.kill(orphan, 'SIGKILL');
    await until(() => groupBytes(pid) === residentBytes(pid));
  });

  it('is none when nobody is in it', () => {
    expect(groupBytes(4_194_305)).toBe(0);
  });
});
