import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface RegistryAddress {
  /** Without trailing slash. */
  readonly url: string;
  readonly token: string;
}

/**
 * Where the registry is: as stated, else from the `mesh.json` of an embedded mesh in this folder or one above.
 * @throws Error saying what to set
 */
export async function findRegistry(
  { url, token }: { url?: string; token?: string },
  folder: string,
): Promise<RegistryAddress> {
  if (url !== undefined && token !== undefined) return { url: url.replace(/\/+$/, ''), token };
  const embedded = await readMeshFile(folder);
  if (!embedded)
    throw new Error(
      'No registry is known. Remedy: start the embedded mesh with `npm start`, or set MESH_REGISTRY_URL and MESH_TOKEN.',
    );
  return { url: url ?? embedded.url, token: token ?? embedded.token };
}

async function readMeshFile(folder: string): Promise<RegistryAddress | undefined> {
  try {
    const { registry, token } = JSON.parse(await readFile(join(folder, '.mesh', 'mesh.json'), 'utf8'));
    return { url: registry, token };
  } catch {
    const above = dirname(folder);
    return above === folder ? undefined : readMeshFile(above);
  }
}
