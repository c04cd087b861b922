import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

interface Spread {
  median: number;
  low: number;
  high: number;
}
interface Statistics {
  quantile(values: number[], share: number): number;
  spread(values: number[]): Spread;
  pairedRatio(numerators: number[], denominators: number[]): Spread;
}
interface Report {
  results: { key: string; requests: number; errors: number; cpu: Record<string, number> }[];
  summary: { targets: { figure: string; of: string; to: string[]; measured: Spread; met: boolean }[] };
}
interface Target {
  readonly what: string;
  readonly value: number;
  readonly met: boolean;
}
interface Targets {
  target(what: string, value: number, bound: { atMost?: number; atLeast?: number }): Target;
  targetLines(targets: Target[]): string[];
}
interface Memory {
  slope(points: [number, number][]): number;
}
interface StreamingReport {
  first: { mesh: number; direct: number };
  large: { what: string; growth: Record<string, number> }[];
  targets: Target[];
}
interface ColdStartReport {
  results: { key: string; ms: number }[];
  summary: { ratios: { of: string; to: string }[] };
}
interface WorkReport {
  results: { part: string; key: string; events: number; perSecond: number }[];
  summary: { ratios: { of: string; to: string; least?: number }[] };
}

// Benchmarks are plain JavaScript: their types are stated here.
const load = async <T>(file: string): Promise<T> => (await import(join(root, 'bench', file))) as T;

describe('statistics of the benchmarks', () => {
  it('interpolate between neighbours', async () => {
    const { spread } = await load<Statistics>('measure/statistics.mjs');
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
    expect(spread([7])).toEqual({ median: 7, low: 7, high: 7 });
  });

  it('pair the rounds: noise that doubles both sides of a round leaves the ratio alone', async () => {
    const { pairedRatio } = await load<Statistics>('measure/statistics.mjs');
    expect(pairedRatio([12, 24, 36], [10, 20, 30])).toEqual({ median: 1.2, low: 1.2, high: 1.2 });
  });

  it('refuse nothing, and sides of unequal length', async () => {
    const { quantile, pairedRatio } = await load<Statistics>('measure/statistics.mjs');
    expect(() => quantile([], 0.5)).toThrow('no quantile');
    expect(() => pairedRatio([1], [1, 2])).toThrow('pairs');
  });
});

describe('targets of the benchmarks', () => {
  it('are met at their bound, and said so', async () => {
    const { target, targetLines } = await load<Targets>('measure/targets.mjs');
    const targets = [target('a', 2, { atMost: 2 }), target('b', 0.8, { atLeast: 0.9 })];
    expect(targets.map(({ met }) => met)).toEqual([true, false]);
    expect(targetLines(targets)).toEqual(['met      a: 2.00 (at most 2)', 'NOT MET  b: 0.80 (at least 0.9)']);
  });

  it('of memory are the slope of the line that fits best', async () => {
    const { slope } = await load<Memory>('measure/memory.mjs');
    expect(slope([[0, 1], [1, 3], [2, 5]])).toBeCloseTo(2); // biome-ignore format: pairs
    expect(slope([[0, 7], [1, 6], [2, 7]])).toBeCloseTo(0); // biome-ignore format: pairs
    expect(slope([[0, 7]])).toBe(0);
  });
});

/** In the place of wrk on a machine without it, which is after all others on the PATH: a few requests, wrk's report. */
const STAND_IN = `#!/usr/bin/env node
const url = process.argv.at(-1);
const started = performance.now();
let errors = 0;
for (let n = 0; n < 50; n++) {
  const response = await fetch(url);
  if (!response.ok) errors++;
  await response.arrayBuffer();
}
const microseconds = Math.round((performance.now() - started) * 1000);
console.log(JSON.stringify({ requests: 50, microseconds, p50: 1000, p99: 2000, errors }));
`;

describe('bench -- http', () => {
  let standIn: string;
  let empty: string;
  beforeAll(() => {
    standIn = mkdtempSync(join(tmpdir(), 'mesh-bench-'));
    empty = mkdtempSync(join(tmpdir(), 'mesh-bench-'));
    writeFileSync(join(standIn, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(standIn, 'wrk'), STAND_IN, { mode: 0o755 });
  });
  afterAll(() => {
    for (const folder of [standIn, empty]) rmSync(folder, { recursive: true });
  });

  async function bench(path: string, ...args: string[]) {
    const child = spawn(process.execPath, [join(root, 'bench/run.mjs'), 'http', ...args], {
      env: { PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { output, errors, code };
  }

  it('says what to do where the load generator is missing', async () => {
    const { errors, code } = await bench(empty);
    expect(errors).toContain('Remedy: apt-get install wrk');
    expect(code).toBe(1);
  });

  it('names the contenders when asked for one that there is not', async () => {
    const { errors, code } = await bench(`${process.env.PATH}:${standIn}`, '--only', 'nobody');
    expect(errors).toContain('There is no contender nobody. There are: bare, a,');
    expect(code).toBe(1);
  });

  it('measures every contender in each round, without an error', async () => {
    const { output, errors, code } = await bench(
      `${process.env.PATH}:${standIn}`,
      ...['--rounds', '1', '--seconds', '1', '--warmup', '0', '--connections', '4', '--alone', '1', '--json'],
      ...['--only', "bare,a,a',a'',b,c"],
    );
    expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
    const report = JSON.parse(output) as Report;
    expect(report.results.map(({ key }) => key).sort()).toEqual(['a', "a'", "a''", 'b', 'bare', 'c']);
    for (const { requests, errors: failed } of report.results) {
      expect(failed).toBe(0);
      expect(requests).toBeGreaterThan(0);
    }
    const mesh = report.results.find(({ key }) => key === 'b');
    expect(Object.keys(mesh?.cpu ?? {}).sort()).toEqual(['executor', 'ingress', 'nats', 'sum']);
    expect(report.summary.targets.map(({ figure, of, to }) => `${figure} ${of}/${to.join()}`)).toEqual([
      "cpu b/a'",
      "cpu c/a''",
      'cpu a/bare',
      "alone b/a'",
      "alone c/a''",
    ]);
  }, 120_000);
});

describe('bench -- cold-start', () => {
  it('has the first answer of every version, and of a bare worker with the same bundle', async () => {
    const args = ['cold-start', '--versions', '2', '--lines', '5', '--json'];
    const child = spawn(process.execPath, [join(root, 'bench/run.mjs'), ...args], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
    const { results, summary } = JSON.parse(output) as ColdStartReport;
    const keys = ['bare process', 'bare thread', 'process', 'thread', 'thread, none ahead'];
    expect(results.map(({ key }) => key).sort()).toEqual(keys.flatMap((key) => [key, key]));
    for (const { ms } of results) expect(ms).toBeGreaterThan(0);
    expect(summary.ratios.map(({ of, to }) => `${of}/${to}`)).toEqual([
      'thread/bare thread',
      'thread, none ahead/bare thread',
      'process/bare process',
    ]);
  }, 120_000);
});

describe('bench -- work', () => {
  async function bench(...args: string[]) {
    const child = spawn(process.execPath, [join(root, 'bench/run.mjs'), 'work', ...args], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { output, errors, code };
  }

  it('names the parts when asked for one that there is not', async () => {
    const { errors, code } = await bench('--only', 'everything');
    expect(errors).toContain('There is no part everything. There are: accept, complete, flow,');
    expect(code).toBe(1);
  });

  it('measures plain clients and the mesh in each round, to the last event', async () => {
    const { output, errors, code } = await bench(
      ...['--only', 'accept,complete,flow', '--rounds', '1', '--events', '200', '--no-http', '--json'],
    );
    expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
    const { results, summary } = JSON.parse(output) as WorkReport;
    const consumers = ['inline', 'raw ack', 'raw confirmed', 'thread'];
    expect(results.map(({ part, key }) => `${part} ${key}`).sort()).toEqual([
      ...['mesh publisher', 'raw publisher'].map((key) => `accept ${key}`),
      ...consumers.map((key) => `complete ${key}`),
      ...consumers.map((key) => `flow ${key}`),
    ]);
    for (const { events, perSecond } of results) {
      expect(events).toBe(200);
      expect(perSecond).toBeGreaterThan(0);
    }
    expect(summary.ratios.filter(({ least }) => least).map(({ of, to }) => `${of}/${to}`)).toEqual([
      'mesh publisher/raw publisher',
      'inline/raw ack',
      'thread/raw ack',
      'inline/raw ack',
      'thread/raw ack',
    ]);
  }, 120_000);
});

describe('bench -- streaming', () => {
  it('times the first byte beside a direct server, and watches every process while much passes', async () => {
    const args = ['--turns', '3', '--down', '8', '--up', '8', '--json'];
    const child = spawn(process.execPath, [join(root, 'bench/run.mjs'), 'streaming', ...args], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    expect({ code, errors: code === 0 ? '' : errors }).toEqual({ code: 0, errors: '' });
    const { first, large, targets } = JSON.parse(output) as StreamingReport;
    expect(first.mesh).toBeGreaterThan(0);
    expect(first.direct).toBeGreaterThan(0);
    expect(large.map(({ what }) => what)).toEqual(['down', 'down, to a slow reader', 'up']);
    for (const { growth } of large) expect(Object.keys(growth)).toEqual(['ingress', 'nats', 'executor']);
    expect(targets).toHaveLength(10);
  }, 120_000);
});
