import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MeshError } from '../../../contracts/src/errors.js';
import type { EventShape, HttpTrigger } from '../../../contracts/src/manifest.js';
import { offerAwslambda } from '../awslambda.js';
import { isDefinition } from '../definition.js';
import { type ResolvedHandler, resolveHandler } from '../resolve-handler.js';
import { parametersOf } from './parameters.js';

/** The manifest of a packed handler, in the zip that `mesh pack --lambda` makes. */
export const HANDLER_FILE = 'handler.json';

/** A handler, ready to run, and what its manifest says of it. */
export interface Loaded {
  readonly handler: ResolvedHandler;
  readonly path: string;
  readonly version: string;
  /** The document that it was written for. */
  readonly event: EventShape;
  readonly http: readonly HttpTrigger[];
  /** Parameters in a path of HTTP, by the manifest's triggers. */
  readonly params: (path: string) => Readonly<Record<string, string>> | undefined;
  /** It takes the body as it comes. */
  readonly takesStreams: boolean;
  /** It takes the messages of a queue together, as Lambda's `Records`. */
  readonly takesBatches: boolean;
}

/** What is read here of a manifest, which was checked when the handler was packed. */
interface Stated {
  readonly path?: string;
  readonly version?: string;
  readonly entry?: string;
  readonly export?: string;
  readonly event?: EventShape;
  readonly body?: 'whole' | 'stream';
  readonly triggers?: readonly {
    readonly http?: HttpTrigger;
    readonly sqs?: { readonly batchSize?: number };
  }[];
}

const ENDINGS = ['.mjs', '.js', '.cjs', '.ts', '.mts'];
const PLAIN_VERSION = '0.0.0';

/**
 * Loads the handler of a folder: the one that `handler.json` describes; else the one that `_HANDLER` names as Lambda
 * has it, `file.export`.
 * @throws MeshError `load-failed`, `no-handler`, `path-mismatch`
 */
export async function load(folder: string, name: string | undefined): Promise<Loaded> {
  const stated = (await readStated(folder)) ?? named(folder, name);
  const { entry = 'handler.mjs', path, event = 'mesh', triggers = [] } = stated;
  const module = await importModule(resolve(folder, entry));
  const handler = resolveHandler(module, stated.export, path);
  const http = triggers.flatMap((trigger) => trigger.http ?? []);
  return {
    handler,
    path: path ?? handler.path ?? plainPath(entry),
    version: stated.version ?? versionOf(module, handler) ?? PLAIN_VERSION,
    event,
    http,
    params: parametersOf(http.flatMap((one) => one.path ?? [])),
    takesStreams: stated.body === 'stream',
    takesBatches: triggers.some(({ sqs }) => sqs?.batchSize !== undefined),
  };
}

async function readStated(folder: string): Promise<Stated | undefined> {
  const file = join(folder, HANDLER_FILE);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Stated) : undefined;
}

/** `src/orders.total` is the export `total` of `src/orders.mjs` (or another ending); `orders.mjs` the handler that it has. */
function named(folder: string, name = ''): Stated {
  if (name !== '' && existsSync(join(folder, name)) && ENDINGS.some((ending) => name.endsWith(ending)))
    return { entry: name };
  const dot = name.lastIndexOf('.');
  const stem = dot < 0 ? name : name.slice(0, dot);
  const ending = ENDINGS.find((one) => stem !== '' && existsSync(join(folder, stem + one)));
  if (ending !== undefined)
    return { entry: stem + ending, ...(dot < 0 ? {} : { export: name.slice(dot + 1) }) };
  throw new MeshError(
    'load-failed',
    `There is no ${HANDLER_FILE} in the function's folder, and _HANDLER names no module in it. Set it to file.export, such as handler.handle.`,
  );
}

async function importModule(file: string): Promise<object> {
  offerAwslambda();
  try {
    return (await import(pathToFileURL(file).href)) as object;
  } catch (cause) {
    throw new MeshError('load-failed', 'Its module threw while it was imported.', { cause });
  }
}

function versionOf(module: object, { exportName }: ResolvedHandler): string | undefined {
  const value = (module as Record<string, unknown>)[exportName];
  return isDefinition(value) ? value.options.version : undefined;
}

/** A plain export has no path: its file's name stands for it. */
const plainPath = (entry: string): string =>
  basename(entry)
    .replace(/\.[^.]*$/, '')
    .toLowerCase();
