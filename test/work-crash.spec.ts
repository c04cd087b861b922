import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ManifestInput } from '#contracts';
import { closeAll, later, until } from './fixtures/later.js';
import { served } from './fixtures/mesh.js';
import { executorProcess } from './fixtures/processes.js';
import { type WorkScene, workScene } from './fixtures/work.js';

/* Events that end their worker or their executor. Executors are processes, as deployed; needs `npm run build`. */

afterEach(closeAll);

/** What ran, across processes: handlers append lines to a file. */
function journal() {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-journal-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'runs');
  appendFileSync(file, '');
  return { file, lines: () => readFileSync(file, 'utf8').split('\n').filter(Boolean) };
}

const handler = (file: string, body: string) => `
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
export default async ({ body }, { attempt }) => {
  appendFileSync(${JSON.stringify(file)}, body.name + ' ' + attempt + '\\n');
  ${body}
};`;

/** An executor that is started again whenever it ends, as a supervisor does. */
function supervised(scene: WorkScene, environment: Record<string, string>): void {
  let stopped = false;
  const start = () => {
    const process = executorProcess(scene, environment);
    // Before that one is ended.
    later(() => {
      stopped = true;
    });
    process.child.once('exit', () => {
      if (!stopped) start();
    });
  };
  start();
}

const KILLER: Record<string, string> = {
  worker: `if (body.name === 'killer') process.exit(3);`,
  // Not process.kill, which a worker thread has not.
  executor: `if (body.name === 'killer') execFileSync('kill', ['-9', String(process.pid)]);`,
};

describe.each([
  ['its worker', 'thread', 'worker'],
  ['its executor', 'thread', 'executor'],
  ['its executor', 'inline', 'executor'],
])('an event that ends %s (%s)', (_, isolation, what) => {
  it('becomes a dead letter after the limit; others of its path go on meanwhile', async () => {
    const scene = await workScene();
    await scene.redeliverAfter(3);
    const { file, lines } = journal();
    const slow = `${KILLER[what]} await new Promise((r) => setTimeout(r, 20));`;
    const about: ManifestInput = { path: 'a', version: '1.0.0', work: { attempts: 3, backoffMs: 200 } };
    const route = await scene.publish(about, handler(file, slow));
    for (let n = 0; n < 20; n++) await scene.accept('a', { name: `before${n}` });
    const id = await scene.accept('a', { name: 'killer' });
    for (let n = 0; n < 20; n++) await scene.accept('a', { name: `after${n}` });
    supervised(scene, { MESH_ISOLATION: isolation });
    await until(lines, (all) => all.includes('killer 1'), 20_000);
    await served(scene, route);
    for (let n = 0; n < 20; n++) await scene.accept('a', { name: `fresh${n}` });
    // Those are done while the killer waits for its next attempt.
    const isDone = (name: string) => (all: string[]) => all.some((line) => line.startsWith(`${name} `));
    await until(lines, isDone('fresh19'), 20_000);
    await scene.quiet(90_000);
    expect(await scene.dead()).toMatchObject([
      { headers: { 'mesh-id': id }, facts: { reason: 'crashed', attempts: 3 } },
    ]);
    expect(lines().filter((line) => line.startsWith('killer'))).toEqual(['killer 1', 'killer 2', 'killer 3']);
    for (let n = 0; n < 20; n++)
      for (const name of [`before${n}`, `after${n}`, `fresh${n}`]) expect(isDone(name)(lines())).toBe(true);
  }, 120_000);
});

describe('long jobs that were running when their executor was killed', () => {
  it('do not wait for each other for long: none of them was the reason', async () => {
    const scene = await workScene();
    await scene.redeliverAfter(3);
    const { file, lines } = journal();
    const job = `await new Promise((r) => setTimeout(r, 10_000)); appendFileSync(${JSON.stringify(file)}, 'end\\n');`;
    const route = await scene.publish({ path: 'a', version: '1.0.0' }, handler(file, job));
    const first = executorProcess(scene);
    await served(scene, route);
    for (let n = 0; n < 20; n++) await scene.accept('a', { name: `job${n}` });
    const begun = (attempt: number) => lines().filter((line) => line.endsWith(` ${attempt}`)).length;
    await until(
      () => begun(1),
      (count) => count === 20,
    );
    await first.end('SIGKILL');
    executorProcess(scene);
    // Eight at first; more before any of those has ended.
    await until(
      () => begun(2),
      (count) => count > 8,
      20_000,
    );
    expect(lines()).not.toContain('end');
    await scene.quiet(90_000);
    expect(begun(2)).toBe(20);
    expect(await scene.dead()).toEqual([]);
  }, 120_000);
});
