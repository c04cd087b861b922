import { basename, delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '#lifecycle';
import { type Packed, pack, packModule } from '#packer';
import type { Found } from './find-handler.js';
import type { Served } from './one-handler.js';

/** Of the worker itself, not the handler's. */
const OWN = /^(MESH_|HANDLER_FUNCTION$)/;
/** Where a path such as `function.handler.handle` has to become a control path. */
const PATH = 'serve/handler';
const VERSION = '0.0.0';

/**
 * Makes an artifact of what was found, as `mesh publish` would: nothing else is run.
 * @param folder the working directory: Python imports from there
 * @throws PackError
 */
export async function packHandler(found: Found, folder: string, environment: Environment): Promise<Served> {
  const own = offered(environment);
  if (found.kind === 'node') return { ...(await packNode(found, folder)), environment: own };
  const served = { SERVED_FUNCTION: found.name, SERVED_FOLDER: folder, SERVED_RUNTIME: PYTHON_RUNTIME };
  const path = [folder, own.PYTHONPATH].filter(Boolean).join(delimiter);
  return { ...(await pack(PYTHON)), environment: { ...own, ...served, PYTHONPATH: path } };
}

/** What is made with `handler(…)` states its path, and takes the mesh's event; any other function takes the payload. */
function packNode({ file, exported }: Found & { kind: 'node' }, folder: string): Promise<Packed> {
  const inside = !relative(folder, file).startsWith('..');
  const source = inside
    ? { folder, entry: relative(folder, file) }
    : { folder: dirname(file), entry: basename(file) };
  return packModule(source, {
    path: PATH,
    version: VERSION,
    event: 'payload',
    ...(exported ? { export: exported } : {}),
  });
}

/** The checkout: from source and from dist. */
const ROOT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../' : '../../../../', import.meta.url),
);
/** What a function is put into, and the runtime that runs it. */
const PYTHON = join(ROOT, 'apps/serve/python');
const PYTHON_RUNTIME = join(ROOT, 'examples/runtimes/python/bootstrap');

function offered(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !OWN.test(entry[0]),
  );
  return Object.fromEntries(entries);
}
