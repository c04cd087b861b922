import { type Zippable, zipSync } from 'fflate';
import { PackError } from './pack-error.js';
import { unpack } from './unpack.js';

/*
 * A packed handler as a zip for AWS Lambda, or the content of a container's /var/task:
 *
 *   bootstrap        what Lambda starts: finds a Node, and starts bootstrap.mjs with it
 *   bootstrap.mjs    the handler package's bootstrap, one file
 *   handler.json     the manifest, by which it finds handler and parameters
 *   handler.mjs …    as in the artifact
 *   bin/node         where one was given
 *
 * JavaScript is the same on Intel and Arm; native add-ons and a Node are of one platform.
 */

/** What is laid beside the handler. */
export interface LambdaParts {
  /** The bootstrap of the handler package, as one file. */
  readonly runtime: Uint8Array;
  /** The program `node`, for the platform that the function runs on. */
  readonly node?: Uint8Array | undefined;
}

const OWN_NAMES = ['bootstrap', 'bootstrap.mjs', 'handler.json', 'bin/node'];

/** In this order: one that the operator names, the zip's, a layer's, that of Lambda's own Node runtimes, the PATH's. */
const BOOTSTRAP = `#!/bin/sh
root=\${LAMBDA_TASK_ROOT:-\${0%/*}}
export LAMBDA_TASK_ROOT="$root"
for node in "$LAMBDA_NODE" "$root/bin/node" /opt/bin/node /var/lang/bin/node; do
  [ -x "$node" ] && exec "$node" --enable-source-maps "$root/bootstrap.mjs"
done
command -v node >/dev/null 2>&1 && exec node --enable-source-maps "$root/bootstrap.mjs"
echo 'There is no Node here. Add a layer with /opt/bin/node, pack with --node, use a container that has Node 24, or set LAMBDA_NODE.' >&2
exit 127
`;

// Attributes of Unix, in the upper half: APPNOTE.TXT 4.4.15; a regular file.
const PROGRAM = 0o100755 << 16;
const FILE = 0o100644 << 16;
const UNIX = 3;

/**
 * The zip of an artifact; equal artifacts and parts make equal bytes.
 * @throws PackError `reserved-name` when the handler has an asset with a name of the zip's own
 */
export async function lambdaZip(artifact: Uint8Array, { runtime, node }: LambdaParts): Promise<Uint8Array> {
  const { manifest, files, executables } = await unpack(artifact);
  const { 'manifest.json': stated, ...own } = Object.fromEntries(files);
  if (manifest.runtime === 'provided') return zip(providedParts(own, executables));
  for (const name of OWN_NAMES) if (Object.hasOwn(own, name)) throw reserved(name);
  return zip({
    programs: { bootstrap: Buffer.from(BOOTSTRAP), ...(node ? { 'bin/node': node } : {}) },
    plain: { 'bootstrap.mjs': runtime, 'handler.json': stated as Uint8Array, ...own },
  });
}

type Files = Readonly<Record<string, Uint8Array>>;

/** A handler with a runtime of its own is what Lambda takes as it is. */
function providedParts(own: Files, executables: ReadonlySet<string>) {
  const of = (isProgram: boolean): Files =>
    Object.fromEntries(Object.entries(own).filter(([name]) => executables.has(name) === isProgram));
  return { programs: of(true), plain: of(false) };
}

function zip({ programs, plain }: { programs: Files; plain: Files }): Uint8Array {
  return zipSync(
    { ...withMode(programs, PROGRAM), ...withMode(plain, FILE) },
    // The earliest time that a zip can hold, whatever the time zone: it is written as local time.
    { level: 6, os: UNIX, mtime: new Date(1980, 0, 1) },
  );
}

const withMode = (files: Files, attrs: number): Zippable =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, [bytes, { attrs }]]));

const reserved = (name: string) =>
  new PackError(
    'reserved-name',
    `The handler has a file ${name}, which is a name of the zip's own.`,
    'Rename the file.',
  );
