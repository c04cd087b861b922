import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { artifactFile, type Packed, packAll, sizeText } from '#packer';
import { lambdaParts, writeZip } from '../lambda/write-zip.js';
import { localCommand, show, wrong } from '../remote.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly out: string;
  readonly commit: boolean;
  readonly lambda?: boolean;
  readonly node?: string;
  readonly json?: boolean;
}

export function packCommand(shell: Shell): Command {
  return localCommand('pack', 'Packs handlers into artifacts; the same sources make the same bytes.', [
    'pack                        the handlers of this folder, written into it',
    'pack a b --out artifacts    two folders, into a third',
    'pack --lambda               a zip for AWS Lambda, with a bootstrap',
  ])
    .argument('[folder...]', 'folders with handlers', ['.'])
    .option('--out <folder>', 'where artifacts are written', '.')
    .option('--lambda', 'make a zip for AWS Lambda instead: the function provided.al2023 or a container')
    .option(
      '--node <file>',
      'with --lambda: lay this Node beside it, a program for Linux on the function’s processor',
    )
    .option('--no-commit', 'do not note the git commit')
    .action(async (folders: string[], options: Options) => {
      const rows: Row[] = [];
      for (const folder of folders)
        rows.push(...(await shell.during(`packing ${folder}`, () => packFolder(shell, folder, options))));
      show(shell, options, rows, (all) =>
        all
          .map((one) => `${one.path}@${one.version}  ${sizeText(one.size)}  ${one.file}\n  ${one.digest}`)
          .join('\n'),
      );
    });
}

interface Row {
  readonly path: string;
  readonly version: string;
  readonly commit?: string;
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

async function packFolder(shell: Shell, folder: string, options: Options): Promise<Row[]> {
  const { out, commit, lambda, node } = options;
  if (node !== undefined && !lambda) throw wrong('--node goes with --lambda.', 'Add --lambda.');
  const outDir = resolve(shell.folder, out);
  const packed = await packAll(resolve(shell.folder, folder), { commit, ...(lambda ? {} : { outDir }) });
  const parts = lambda ? await lambdaParts(shell, node) : undefined;
  return Promise.all(
    packed.map(async (one) => {
      const { manifest } = one;
      const { file, digest, size } = parts ? await writeZip(outDir, one, parts) : written(outDir, one);
      return {
        path: manifest.path,
        version: manifest.version,
        ...(manifest.commit === undefined ? {} : { commit: manifest.commit }),
        file: relative(shell.folder, file),
        digest,
        size,
      };
    }),
  );
}

const written = (outDir: string, { manifest, digest, size }: Packed) => ({
  file: join(outDir, artifactFile(manifest)),
  digest,
  size,
});
