import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { artifactFile, digestOf, type LambdaParts, lambdaZip, type Packed } from '#packer';
import { CliError, EXIT } from '../exit.js';
import { projectFolder } from '../mesh-address.js';
import type { Shell } from '../shell.js';

// ELF: e_ident[EI_MAG], and e_machine at 18: 62 is x86-64, 183 AArch64.
const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const MACHINE_AT = 18;
const MACHINES = new Set([62, 183]);

/** @throws CliError for a build that is missing, or a file that is no Node for Lambda */
export async function lambdaParts(shell: Shell, node: string | undefined): Promise<LambdaParts> {
  const file = join(projectFolder(), 'libs', 'handler', 'dist', 'bootstrap.js');
  const runtime = await readFile(file).catch(() => {
    throw new CliError(
      'The handler package is not built.',
      `Run npm run build in ${projectFolder()}.`,
      EXIT.failed,
    );
  });
  return { runtime, node: node === undefined ? undefined : await readNode(resolve(shell.folder, node)) };
}

async function readNode(file: string): Promise<Uint8Array> {
  const program = await readFile(file).catch(() => Buffer.alloc(0));
  const isElf = program.subarray(0, ELF.length).equals(ELF) && program.length > MACHINE_AT + 2;
  if (isElf && MACHINES.has(program.readUInt16LE(MACHINE_AT))) return program;
  throw new CliError(
    `${file} is no program for Linux on x86-64 or Arm64.`,
    'Name bin/node of a download of nodejs.org: node-v24…-linux-x64 or -linux-arm64.',
    EXIT.usage,
  );
}

/** Writes `users-find-1.0.0.zip`. @throws PackError; CliError for a Node that the handler would never start */
export async function writeZip(outDir: string, { manifest, artifact }: Packed, parts: LambdaParts) {
  if (manifest.runtime === 'provided' && parts.node)
    throw new CliError(
      `${manifest.path} has a bootstrap of its own, which no Node is laid beside.`,
      'Leave --node out for it, or add what it starts to its assets.',
      EXIT.usage,
    );
  const zip = await lambdaZip(artifact, parts);
  const file = join(outDir, artifactFile(manifest).replace(/\.tgz$/, '.zip'));
  await mkdir(outDir, { recursive: true });
  // By rename, so that nobody uploads half of it.
  await writeFile(`${file}.part`, zip);
  await rename(`${file}.part`, file);
  return { file, digest: digestOf(zip), size: zip.length };
}
