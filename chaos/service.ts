import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Started } from './unit.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEPT = 16_384;

export type Environment = Readonly<Record<string, string>>;

/**
 * A service of the mesh as it is deployed, from dist/. In a group of its own, so that Ctrl-C reaches the harness alone;
 * it ends with the harness, whatever ends that.
 * @param logFile also gets what it writes
 */
export function startService(app: string, environment: Environment, logFile: string): Started {
  const child = spawn(process.execPath, [join(ROOT, 'dist/apps', app, 'src/main.js')], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, MESH_STOP_WITH_PARENT: '1', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-KEPT);
      appendFileSync(logFile, chunk);
    });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      appendFileSync(logFile, `-- ended: ${signal ?? code} --\n`);
      resolve();
    });
    child.once('error', () => resolve());
  });
  return { pid: child.pid as number, exited, log: () => output };
}

/** Whether the service says that it is ready; one that does not answer is not. */
export async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) });
  await response.arrayBuffer();
  return response.status === 200;
}
