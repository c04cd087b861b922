import { readFileSync } from 'node:fs';

/**
 * MB of a process that are its own (proc(5): RssAnon, and VmSwap where the kernel moved it out). What is mapped from files,
 * such as the program itself, comes and goes as the kernel likes. 0 when it has gone.
 */
export function ownMb(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return ['RssAnon', 'VmSwap'].reduce((sum, name) => sum + kilobytesOf(status, name), 0) / 1024;
  } catch {
    return 0;
  }
}

const kilobytesOf = (status, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);

/** Those that a process has started and that have not ended (proc(5), children). */
export const childrenOf = (pid) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** Looks at processes again and again. */
export class MemoryWatch {
  /** Of each role, `[seconds since the start, MB]`. */
  samples = {};
  #from = performance.now();
  #timer;

  /** @param {Record<string, number>} pids by role @param everyMs how often */
  constructor(pids, everyMs) {
    this.pids = pids;
    for (const role of Object.keys(pids)) this.samples[role] = [];
    this.look();
    this.#timer = setInterval(() => this.look(), everyMs);
  }

  look() {
    const seconds = (performance.now() - this.#from) / 1_000;
    for (const [role, pid] of Object.entries(this.pids)) this.samples[role].push([seconds, ownMb(pid)]);
  }

  stop() {
    clearInterval(this.#timer);
    this.look();
    return this.samples;
  }
}

/** Slope of the line that fits best (least squares), of `[x, y]`. 0 of less than two. */
export function slope(points) {
  const mean = (read) => points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [x, y] = [mean(([one]) => one), mean(([, one]) => one)];
  const spread = points.reduce((sum, [one]) => sum + (one - x) ** 2, 0);
  if (spread === 0) return 0;
  return points.reduce((sum, [one, other]) => sum + (one - x) * (other - y), 0) / spread;
}
