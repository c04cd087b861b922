import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/*
 * A limit of memory that the kernel holds: a group of cgroup v2 for each child, below a folder that the operator has
 * delegated to this user. https://docs.kernel.org/admin-guide/cgroup-v2.html
 */

const MB = 1024 * 1024;
const PREFIX = 'lambda-mesh-';
/** A group can be removed when the last of its processes is gone, which may take a moment after the first one was. */
const REMOVALS = 50;
const BETWEEN_MS = 20;

/** The group of one child, with all the processes that it makes. */
export class MemoryGroup {
  private constructor(private readonly folder: string) {}

  /** @throws Error when the folder does not allow it */
  static around(root: string, pid: number, memoryMb: number): MemoryGroup {
    const folder = join(root, `${PREFIX}${process.pid}-${pid}`);
    mkdirSync(folder);
    const group = new MemoryGroup(folder);
    try {
      group.#set('memory.max', String(memoryMb * MB));
      group.#set('memory.swap.max', '0', true);
      // All of them or none: half of a program is no answer.
      group.#set('memory.oom.group', '1', true);
      group.#set('cgroup.procs', String(pid));
      return group;
    } catch (error) {
      void group.remove();
      throw error;
    }
  }

  /** The kernel has ended it, since it needed more. */
  get wasFull(): boolean {
    try {
      const [, kills = '0'] =
        /^oom_kill (\d+)$/m.exec(readFileSync(join(this.folder, 'memory.events'), 'utf8')) ?? [];
      return Number(kills) > 0;
    } catch {
      return false;
    }
  }

  /** Ends what is left in it, and removes it. */
  async remove(): Promise<void> {
    this.#set('cgroup.kill', '1', true);
    for (let attempt = 0; attempt < REMOVALS; attempt++) {
      if (removed(this.folder)) return;
      await delay(BETWEEN_MS, undefined, { ref: false });
    }
  }

  #set(name: string, value: string, optional = false): void {
    try {
      // Not made, only written: a file that the kernel does not have is no limit.
      writeFileSync(join(this.folder, name), value, { flag: 'r+' });
    } catch (error) {
      if (!optional) throw error;
    }
  }
}

/**
 * Makes a folder ready for groups, and removes those of executors that were killed.
 * @throws Error that says what the folder lacks
 */
export function openMemoryGroups(root: string): void {
  const controllers = wordsIn(join(root, 'cgroup.controllers'));
  if (!controllers) throw new Error(`${root} is no folder of cgroup v2.`);
  if (!controllers.includes('memory')) throw new Error(`${root} has no memory controller.`);
  if (!wordsIn(join(root, 'cgroup.subtree_control'))?.includes('memory'))
    writeFileSync(join(root, 'cgroup.subtree_control'), '+memory');
  for (const name of readdirSync(root)) if (isLeft(name)) removed(join(root, name));
}

function wordsIn(file: string): string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\s+/);
  } catch {
    return undefined;
  }
}

function isLeft(name: string): boolean {
  const pid = /^lambda-mesh-(\d+)-\d+$/.exec(name)?.[1];
  if (pid === undefined) return false;
  try {
    return !process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: somebody else's, who lives.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** False: something is in it still. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
