import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryGroup, openMemoryGroups } from './memory-group.js';

/*
 * What is written where, and what is refused. Files stand for those of the kernel, so this says nothing of what the
 * kernel does with them: that is its documentation's.
 */

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mesh-groups-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (name: string, text: string) => writeFileSync(join(root, name), text);
/** As the kernel has it when it has the controller. */
function delegated(control = ''): void {
  put('cgroup.controllers', 'cpu memory pids\n');
  put('cgroup.subtree_control', control);
}

describe('a folder for groups', () => {
  it('is given the memory controller, where it has not passed it on yet', () => {
    delegated();
    openMemoryGroups(root);
    expect(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8')).toBe('+memory');
    put('cgroup.subtree_control', 'memory\n');
    openMemoryGroups(root);
    expect(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8')).toBe('memory\n');
  });

  it('is refused where it is none, or has no memory controller', () => {
    expect(() => openMemoryGroups(root)).toThrow(`${root} is no folder of cgroup v2.`);
    put('cgroup.controllers', 'cpu hugetlb\n');
    expect(() => openMemoryGroups(root)).toThrow(`${root} has no memory controller.`);
    expect(() => openMemoryGroups(join(root, 'not-there'))).toThrow('is no folder of cgroup v2');
  });

  it('is cleared of the groups of executors that are gone, and of no others', () => {
    delegated('memory');
    // Above the greatest pid that Linux gives.
    const [gone, own, other] = ['lambda-mesh-4194305-7', `lambda-mesh-${process.pid}-7`, 'somebody-elses'];
    for (const name of [gone, own, other] as string[]) mkdirSync(join(root, name));
    openMemoryGroups(root);
    expect(
      readdirSync(root)
        .filter((name) => !name.startsWith('cgroup.'))
        .sort(),
    ).toEqual([own, other].sort());
  });
});

describe('a group', () => {
  it('is no group where the kernel has no such limit: nothing is left, and who asked learns of it', () => {
    delegated('memory');
    expect(() => MemoryGroup.around(root, 4711, 128)).toThrow('ENOENT');
    expect(readdirSync(root).some((name) => name.startsWith('lambda-mesh-'))).toBe(false);
  });
});
