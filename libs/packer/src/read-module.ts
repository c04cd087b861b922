import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ENTRY_FILE } from './bundle.js';
import { PackError } from './pack-error.js';
import { writeFiles } from './write-files.js';

/** What a module exports, as far as packing is concerned. */
export interface ModuleExport {
  readonly name: string;
  readonly kind: 'definition' | 'function' | 'other';
  /** Of a definition. */
  readonly path?: string;
  readonly options?: Record<string, unknown>;
}

export const LOAD_TIMEOUT_MS = 10_000;

type Report = { exports: string } | { error: string };

/*
 * Runs inside the thread. The symbol is the one of @lambda-mesh/handler, which this library may not import. Options go
 * through JSON, as they will in the manifest; what JSON cannot hold is reported as a failure to load. `awslambda` is
 * there as it will be where the handler runs.
 */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const DEFINITION = Symbol.for('lambda-mesh.handler');
const isObject = (value) => typeof value === 'object' && value !== null;
const describe = ([name, value]) => {
  if (isObject(value) && DEFINITION in value) return { name, kind: 'definition', path: value.path, options: value.options };
  return { name, kind: typeof value === 'function' ? 'function' : 'other' };
};
const read = (module) => {
  const inner = isObject(module.default) && !(DEFINITION in module.default) ? module.default : {};
  return JSON.stringify(Object.entries({ ...inner, ...module }).map(describe));
};
const textOf = (error) => { try { return String(error?.stack ?? error); } catch { return 'something unreadable was thrown'; } };
globalThis.awslambda = { streamifyResponse: (fn) => fn, HttpResponseStream: { from: (stream) => stream } };
import(workerData).then(read).then(
  (exports) => parentPort.postMessage({ exports }),
  (error) => parentPort.postMessage({ error: textOf(error) }),
);
`;

/**
 * Loads the module once, with its files beside it, in a thread of its own with an empty environment, and lists its exports.
 * @throws PackError `load-failed`, `load-timeout`
 */
export async function readModule(
  files: ReadonlyMap<string, Uint8Array>,
  timeoutMs = LOAD_TIMEOUT_MS,
): Promise<ModuleExport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mesh-pack-'));
  try {
    await writeFiles(folder, files);
    const report = await load(pathToFileURL(join(folder, ENTRY_FILE)).href, timeoutMs);
    if ('error' in report) throw failed(report.error.replaceAll(folder, ''));
    return JSON.parse(report.exports) as ModuleExport[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function load(url: string, timeoutMs: number): Promise<Report> {
  // stdout and stderr are taken and dropped: what a module prints while loading is not the packer's output.
  const worker = new Worker(READER, {
    eval: true,
    workerData: url,
    env: {},
    execArgv: ['--enable-source-maps'],
    stdin: false,
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Report>((resolve, reject) => {
      timer = setTimeout(() => reject(tooSlow(timeoutMs)), timeoutMs);
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ error: String((error as Error)?.stack ?? error) }));
      worker.once('exit', (code) => resolve({ error: `it ended its process with code ${code}` }));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

const failed = (why: string) =>
  new PackError(
    'load-failed',
    `The handler's module failed while loading: ${why}`,
    'It is loaded once without any environment: read process.env and connect inside the handler, not beside it.',
  );

const tooSlow = (timeoutMs: number) =>
  new PackError(
    'load-timeout',
    `The handler's module did not finish loading within ${timeoutMs} ms.`,
    'Do slow work inside the handler, not at the top of its module.',
  );
