import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { artifactFile, type Packed, packAll, sizeText } from '#packer';
import { localCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly out: string;
  readonly commit: boolean;
  readonly json?: boolean;
}

export function packCommand(shell: Shell): Command {
  return localCommand('pack', 'Packs handlers into artifacts; the same sources make the same bytes.', [
    'pack                        the handlers of this folder, written into it',
    'pack a b --out artifacts    two folders, into a third',
  ])
    .argument('[folder...]', 'folders with handlers', ['.'])
    .option('--out <folder>', 'where artifacts are written', '.')
    .option('--no-commit', 'do not note the git commit')
    .action(async (folders: string[], { out, commit, json }: Options) => {
      const outDir = resolve(shell.folder, out);
      const packed: Packed[] = [];
      for (const folder of folders)
        packed.push(
          ...(await shell.during(`packing ${folder}`, () =>
            packAll(resolve(shell.folder, folder), { outDir, commit }),
          )),
        );
      const rows = packed.map(({ manifest, digest, size }) => ({
        path: manifest.path,
        version: manifest.version,
        ...(manifest.commit === undefined ? {} : { commit: manifest.commit }),
        file: relative(shell.folder, join(outDir, artifactFile(manifest))),
        digest,
        size,
      }));
      show(shell, { json }, rows, (all) =>
        all
          .map((one) => `${one.path}@${one.version}  ${sizeText(one.size)}  ${one.file}\n  ${one.digest}`)
          .join('\n'),
      );
    });
}
