import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Republisher } from '../dev/republisher.js';
import { startMesh } from '../dev/start-mesh.js';
import { localCommand } from '../remote.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly json?: boolean;
}

export function devCommand(shell: Shell): Command {
  return localCommand(
    'dev',
    'Runs the handlers of a folder on this machine, anew at every save, until Ctrl-C.',
    [
      'dev',
      'dev services/total',
      'MESH_HTTP_PORT=9090 mesh dev     ports are set as for the embedded mesh; 0 picks a free one',
    ],
  )
    .argument('[folder]', 'folder with handlers', '.')
    .action(async (text: string, { json }: Options) => {
      const folder = resolve(shell.folder, text);
      const interrupted = interruption();
      const mesh = await startMesh(shell, folder);
      const republisher = new Republisher(folder, mesh.file, (line) =>
        shell.print(json ? JSON.stringify(line) : line.text),
      );
      try {
        await republisher.start();
        shell.tell('Watching; every save is published as a new version. Ctrl-C ends.');
        await Promise.race([interrupted, mesh.ended]);
      } finally {
        republisher.stop();
        await shell.during('stopping', () => mesh.stop());
      }
    });
}

/**
 * Listened to from the beginning: one that comes while the mesh starts must not leave it behind. The channel is there where
 * another process started this one in its place, and its end tells that that one was killed.
 */
const interruption = () =>
  new Promise<void>((done) => {
    process.once('SIGINT', () => done());
    process.once('disconnect', () => done());
    process.once('SIGTERM', () => done());
  });
