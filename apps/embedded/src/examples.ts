import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { PublishError, pack, publish } from '#packer';
import { say } from './progress.js';

/** Runs every example's `seed.sql`, which may be run any number of times. */
export async function seedExamples(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const folders = await exampleFolders();
    const scripts = folders.map((folder) => join(folder, 'seed.sql')).filter((file) => existsSync(file));
    for (const script of scripts) await client.query(await readFile(script, 'utf8'));
    return scripts.length;
  } finally {
    await client.end();
  }
}

/**
 * Publishes every example through the registry's door; the same bytes again change nothing. One that was edited
 * without a new version stays as it was published, and a line says so.
 * @returns their control paths
 */
export async function publishExamples(registryUrl: string, token: string): Promise<string[]> {
  const folders = await exampleFolders();
  return Promise.all(folders.map((folder) => publishExample(folder, registryUrl, token)));
}

async function publishExample(folder: string, registryUrl: string, token: string): Promise<string> {
  const packed = await pack(folder);
  const { path, version } = packed.manifest;
  try {
    await publish({ registryUrl, token, packed });
  } catch (error) {
    if (!(error instanceof PublishError) || error.code !== 'conflict') throw error;
    say(`  ! ${path} differs from the published ${version}, which stays live. Remedy: raise its version.`);
  }
  return path;
}

async function exampleFolders(): Promise<string[]> {
  const root = join(projectFolder(dirname(fileURLToPath(import.meta.url))), 'examples');
  const entries = await readdir(root, { withFileTypes: true });
  return (
    entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(root, name))
      // Other folders hold what needs more than this machine may have, such as runtimes of other languages.
      .filter((folder) => existsSync(join(folder, 'package.json')))
      .sort()
  );
}

/** The nearest folder above with a package.json: the same from source and from dist. */
function projectFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : projectFolder(dirname(folder));
}
