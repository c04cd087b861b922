import { Command } from 'commander';
import { localCommand, pathArgument, show } from '../remote.js';
import { createProject } from '../scaffold/create-project.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly json?: boolean;
  readonly install: boolean;
  readonly git: boolean;
}

export function newCommand(shell: Shell): Command {
  return localCommand(
    'new',
    'Makes a repository for a handler: TypeScript, a test, and nothing to download.',
    [
      'new orders/total                 in the new folder orders-total',
      'new orders/total services/total  in a folder of your choice',
    ],
  )
    .argument('<path>', 'control path of the handler, such as orders/total')
    .argument('[folder]', 'new or empty folder; otherwise the path with - for /')
    .option('--no-install', 'leave node_modules to you: npm install')
    .option('--no-git', 'make no git repository')
    .action(async (text: string, folder: string | undefined, options: Options) => {
      const path = pathArgument(text);
      const made = await createProject(shell, path, folder ?? path.replaceAll('/', '-'), options);
      show(shell, options, made, ({ folder: name, files }) =>
        [
          ...files.map((file) => `  ${name}/${file}`),
          '',
          'Next:',
          `  cd ${name}`,
          ...(options.install ? [] : ['  npm install']),
          '  npm test',
          '  mesh dev        run it, again at every save',
          '  mesh publish    make it live',
        ].join('\n'),
      );
    });
}
