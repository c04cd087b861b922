import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './service.ts';
import type { Services } from './services.ts';

/** Publishes the handler through the registry, as its author would: `mesh publish chaos/handler`. */
export async function publishHandler({ registryUrl, token }: Services): Promise<void> {
  const command = [
    join(ROOT, 'dist/apps/cli/src/main.js'),
    'publish',
    '--no-commit',
    join(ROOT, 'chaos/handler'),
  ];
  const env = { PATH: process.env.PATH, MESH_REGISTRY_URL: registryUrl, MESH_TOKEN: token };
  await promisify(execFile)(process.execPath, command, { env });
}
