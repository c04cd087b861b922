import { Command } from 'commander';
import { handlerPath } from '../registry-client.js';
import { pathArgument, type RemoteOptions, registryOf, remoteCommand, show, wrong } from '../remote.js';
import type { Shell } from '../shell.js';
import type { HandlerView } from '../views.js';
import { changeRoute } from './route.js';

type Values = Record<string, string | null>;

export function envCommand(shell: Shell): Command {
  return new Command('env')
    .description("The operator's values for what a handler's manifest asks for; never shown again.")
    .addCommand(listCommand(shell))
    .addCommand(setCommand(shell))
    .addCommand(unsetCommand(shell));
}

const listCommand = (shell: Shell) =>
  remoteCommand('ls', 'Lists the names that have a value.', ['env ls orders/total'])
    .argument('<path>', 'control path')
    .action(async (path: string, options: RemoteOptions) => {
      const handler = await registryOf(shell, options).get<HandlerView>(handlerPath(pathArgument(path)));
      show(shell, options, handler.environment ?? [], (names) =>
        names.length === 0 ? 'No value is set.' : names.join('\n'),
      );
    });

const setCommand = (shell: Shell) =>
  remoteCommand('set', 'Sets values.', [
    'env set orders/total REGION=eu-1 CURRENCY=EUR',
    'env set orders/total API_KEY < key.txt   a secret, kept out of the history of the shell',
  ])
    .argument('<path>', 'control path')
    .argument('<NAME=value...>', 'one name without a value reads it from standard input')
    .action(async (path: string, pairs: string[], options: RemoteOptions) => {
      await change(shell, path, await readPairs(shell, pairs), options);
    });

const unsetCommand = (shell: Shell) =>
  remoteCommand('unset', 'Removes values.', ['env unset orders/total REGION'])
    .argument('<path>', 'control path')
    .argument('<NAME...>', 'names')
    .action(async (path: string, names: string[], options: RemoteOptions) => {
      await change(shell, path, Object.fromEntries(names.map((name) => [name, null])), options);
    });

async function readPairs(shell: Shell, pairs: readonly string[]): Promise<Values> {
  const bare = pairs.filter((pair) => !pair.includes('='));
  if (bare.length > 1)
    throw wrong(`Which value is whose: ${bare.join(', ')}?`, 'Standard input can give one value only.');
  const values: Values = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    // The line's end belongs to the file, not to the value.
    values[at < 0 ? pair : pair.slice(0, at)] =
      at < 0 ? String(await shell.readInput()).replace(/\r?\n$/, '') : pair.slice(at + 1);
  }
  return values;
}

async function change(shell: Shell, path: string, values: Values, options: RemoteOptions): Promise<void> {
  const url = handlerPath(pathArgument(path), '/environment');
  const view = await changeRoute(shell, registryOf(shell, options), 'PUT', url, { body: values });
  const set = Object.keys(values).filter((name) => values[name] !== null);
  const unset = Object.keys(values).filter((name) => values[name] === null);
  show(shell, options, view, () =>
    [
      ...(set.length > 0 ? [`Set for ${path}: ${set.join(', ')}`] : []),
      ...(unset.length > 0 ? [`Removed from ${path}: ${unset.join(', ')}`] : []),
    ].join('\n'),
  );
}
