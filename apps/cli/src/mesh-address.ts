import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT } from './exit.js';
import type { Shell } from './shell.js';

/** `mesh.json` of an embedded mesh, as far as it is used here. */
export interface MeshFile {
  readonly pid: number;
  readonly http: string;
  readonly registry: string;
  readonly nats: string;
  readonly token: string;
  /** A login that may follow handlers' logs. */
  readonly operator?: { readonly user: string; readonly password: string };
}

/** What a command was told on its line. */
export interface AddressOptions {
  readonly registry?: string;
  readonly token?: string;
}

export interface RegistryAddress {
  /** Without trailing slash. */
  readonly url: string;
  readonly token: string;
}

/**
 * Where the registry is: as stated, else as the environment says, else in `mesh.json`. A token of one mesh is never
 * sent to another: with a URL stated, the token must be stated too.
 * @throws CliError saying what to set
 */
export function findRegistry(shell: Shell, stated: AddressOptions): RegistryAddress {
  const config = shell.config();
  const token = stated.token ?? config.token;
  const url = stated.registry ?? config.registryUrl;
  if (url === undefined) {
    const embedded = findMeshFile(shell);
    if (embedded) return { url: embedded.registry, token: token ?? embedded.token };
    throw nothingFound('registry', 'MESH_REGISTRY_URL and MESH_TOKEN');
  }
  if (!URL.canParse(url))
    throw new CliError(`${url} is no URL.`, 'Write it as http://127.0.0.1:8081.', EXIT.usage);
  const bare = url.replace(/\/+$/, '');
  if (token !== undefined) return { url: bare, token };
  const embedded = findMeshFile(shell);
  if (embedded?.registry === bare) return { url: bare, token: embedded.token };
  throw new CliError(
    `There is no token for the registry at ${bare}.`,
    'Set MESH_TOKEN; whoever administers it makes one by: mesh token create <name> --role publisher',
  );
}

/** Base URL of the HTTP ingress. @throws CliError saying what to set */
export function findHttp(shell: Shell, stated: string | undefined): string {
  const url = stated ?? shell.config().httpUrl ?? findMeshFile(shell)?.http;
  if (url !== undefined) return url.replace(/\/+$/, '');
  throw nothingFound('HTTP ingress', 'MESH_HTTP_URL, or give --url');
}

/** Where NATS is, and as whom. @throws CliError saying what to set */
export function findNats(shell: Shell, stated: string | undefined) {
  const { natsUrl, natsUser, natsPassword, natsCredentials } = shell.config();
  const url = stated ?? natsUrl;
  const embedded = url === undefined ? findMeshFile(shell) : undefined;
  const found = url ?? embedded?.nats;
  if (found === undefined) throw nothingFound('NATS server', 'MESH_NATS_URL, or give --nats');
  const { operator } = embedded ?? {};
  return {
    natsUrl: found,
    natsUser: natsUser ?? operator?.user,
    natsPassword: natsUser === undefined ? operator?.password : natsPassword,
    natsCredentials,
  };
}

/**
 * `mesh.json` of MESH_DATA_DIR; else of `.mesh` in this folder or one above; else of the checkout that this command
 * belongs to.
 */
export function findMeshFile(shell: Shell): MeshFile | undefined {
  const { dataDir } = shell.config();
  if (dataDir !== undefined) return readMeshFile(resolve(shell.folder, dataDir));
  for (const folder of withParents(shell.folder)) {
    const found = readMeshFile(join(folder, '.mesh'));
    if (found) return found;
  }
  return readMeshFile(join(projectFolder(), '.mesh'));
}

function readMeshFile(folder: string): MeshFile | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'mesh.json'), 'utf8')) as MeshFile;
  } catch {
    return undefined;
  }
}

function withParents(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...withParents(above)];
}

/** Where λ-mesh is installed: the nearest folder above with a package.json, the same from source and from dist. */
export function projectFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return withParents(here).find((folder) => existsSync(join(folder, 'package.json'))) ?? here;
}

const nothingFound = (what: string, variables: string) =>
  new CliError(
    `No ${what} is known.`,
    `Start the embedded mesh (npm start in λ-mesh, or mesh dev here), or set ${variables}.`,
    EXIT.unreachable,
  );
