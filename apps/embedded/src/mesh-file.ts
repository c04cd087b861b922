import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `mesh.json`: how to reach an embedded mesh. URLs have no trailing slash. */
export interface MeshFile {
  /** The process that SIGINT stops in order. */
  readonly pid: number;
  readonly http: string;
  readonly registry: string;
  readonly nats: string;
  readonly mqtt: string;
  readonly aws: string;
  /** URL of the SQS queue `mesh`. */
  readonly queue: string;
  /** URL of the Postgres database of the examples. */
  readonly database: string;
  /** A login at NATS that may follow what handlers log. */
  readonly operator: { readonly user: string; readonly password: string };
  /** An admin token of the registry. */
  readonly token: string;
}

/** Written by rename, so that it is there whole or not at all, and for this user only: it holds a token. */
export async function writeMeshFile(dataDir: string, content: MeshFile): Promise<string> {
  const file = join(dataDir, 'mesh.json');
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}

export async function removeMeshFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, 'mesh.json'), { force: true });
}
