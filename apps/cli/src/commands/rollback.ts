import type { Command } from 'commander';
import { handlerPath } from '../registry-client.js';
import { pathArgument, type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { changeRoute, routeText } from './route.js';

interface Options extends RemoteOptions {
  readonly to?: string;
  readonly revision?: string;
}

export function rollbackCommand(shell: Shell): Command {
  return remoteCommand('rollback', 'Makes live again what was live before.', [
    'rollback orders/total             the versions before the last change',
    'rollback orders/total --to 1.1.0  this one',
  ])
    .argument('<path>', 'control path')
    .option('--to <version>', 'the version that takes all calls')
    .option('--revision <number>', 'refuse when the route has changed since this revision')
    .action(async (text: string, options: Options) => {
      const path = handlerPath(pathArgument(text), '/rollback');
      const { to, revision } = options;
      const view = await changeRoute(shell, registryOf(shell, options), 'POST', path, {
        body: to === undefined ? {} : { to },
        revision,
      });
      show(shell, options, view, routeText);
    });
}
