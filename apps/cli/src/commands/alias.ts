import type { Command } from 'commander';
import { isAlias, isVersion } from '#contracts';
import { handlerPath } from '../registry-client.js';
import { pathArgument, type RemoteOptions, registryOf, remoteCommand, show, wrong } from '../remote.js';
import type { Shell } from '../shell.js';
import { table } from '../table.js';
import type { HandlerView } from '../views.js';
import { changeRoute, routeText } from './route.js';

interface Options extends RemoteOptions {
  readonly delete?: boolean;
  readonly revision?: string;
}

export function aliasCommand(shell: Shell): Command {
  return remoteCommand('alias', 'Names a version, so that callers can ask for it: orders/total@canary.', [
    'alias orders/total                  list the aliases',
    'alias orders/total canary 1.3.0     make or move one',
    'alias orders/total canary --delete  remove it',
  ])
    .argument('<path>', 'control path')
    .argument('[alias]', 'name, such as canary')
    .argument('[version]', 'the version that it stands for')
    .option('--delete', 'remove the alias')
    .option('--revision <number>', 'refuse when the route has changed since this revision')
    .action((path: string, alias: string | undefined, version: string | undefined, options: Options) =>
      alias === undefined
        ? listAliases(shell, path, options)
        : changeAlias(shell, path, alias, version, options),
    );
}

async function listAliases(shell: Shell, path: string, options: Options): Promise<void> {
  const { aliases = {} } = await registryOf(shell, options).get<HandlerView>(handlerPath(pathArgument(path)));
  show(shell, options, aliases, (all) =>
    Object.keys(all).length === 0
      ? 'There are no aliases.'
      : table(['alias', 'version'], Object.entries(all)),
  );
}

async function changeAlias(
  shell: Shell,
  text: string,
  alias: string,
  version: string | undefined,
  options: Options,
): Promise<void> {
  if (!isAlias(alias)) throw wrong(`${JSON.stringify(alias)} is no alias.`, 'Write it like canary.');
  if (!options.delete && (version === undefined || !isVersion(version)))
    throw wrong(
      'Which version?',
      `Write mesh alias ${text} ${alias} 1.2.0, or --delete to remove the alias.`,
    );
  const path = handlerPath(pathArgument(text), `/aliases/${alias}`);
  const registry = registryOf(shell, options);
  const { revision } = options;
  const view = options.delete
    ? await changeRoute(shell, registry, 'DELETE', path, { revision })
    : await changeRoute(shell, registry, 'PUT', path, { body: { version }, revision });
  show(shell, options, view, routeText);
}
