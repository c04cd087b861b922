import { Command } from 'commander';
import { localCommand, pathArgument, show } from '../remote.js';
import { createProject, createProvided, type Project } from '../scaffold/create-project.js';
import { LANGUAGES } from '../scaffold/languages.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly json?: boolean;
  readonly install: boolean;
  readonly git: boolean;
  readonly runtime?: string;
}

export function newCommand(shell: Shell): Command {
  return localCommand(
    'new',
    'Makes a repository for a handler: TypeScript, a test, and nothing to download.',
    [
      'new orders/total                 in the new folder orders-total',
      'new orders/total services/total  in a folder of your choice',
      'new orders/total --runtime ruby  in another language, with its runtime',
    ],
  )
    .argument('<path>', 'control path of the handler, such as orders/total')
    .argument('[folder]', 'new or empty folder; otherwise the path with - for /')
    .option('--runtime <language>', `instead of TypeScript: ${Object.keys(LANGUAGES).join(', ')}`)
    .option('--no-install', 'leave node_modules to you: npm install')
    .option('--no-git', 'make no git repository')
    .action(async (text: string, folder: string | undefined, options: Options) => {
      const path = pathArgument(text);
      const name = folder ?? path.replaceAll('/', '-');
      const { runtime } = options;
      const made =
        runtime === undefined
          ? await createProject(shell, path, name, options)
          : await createProvided(shell, path, name, { ...options, runtime });
      show(shell, options, made, (project) => nextSteps(project, options).join('\n'));
    });
}

function nextSteps({ folder, files }: Project, { install, runtime }: Options): string[] {
  const isTypeScript = runtime === undefined;
  return [
    ...files.map((file) => `  ${folder}/${file}`),
    '',
    'Next:',
    `  cd ${folder}`,
    ...(isTypeScript && !install ? ['  npm install'] : []),
    ...(isTypeScript ? ['  npm test'] : []),
    '  mesh dev        run it, again at every save',
    '  mesh publish    make it live',
  ];
}
