import type { Command } from 'commander';
import { handlerPath } from '../registry-client.js';
import {
  pathArgument,
  type RemoteOptions,
  registryOf,
  remoteCommand,
  show,
  versionArgument,
} from '../remote.js';
import type { Shell } from '../shell.js';
import { changeRoute } from './route.js';

/* How a version ends: deprecated, it goes on and says so; deleted, it is gone. And how a path does: retired. */

export function deprecateCommand(shell: Shell): Command {
  return remoteCommand('deprecate', 'Marks a version as one that should not be used any more; it goes on.', [
    'deprecate orders/total@1.0.0',
    "deprecate orders/total@1.0.0 'rounds wrongly, use 1.0.1'",
  ])
    .argument('<path@version>', 'the version')
    .argument('[message]', 'why, and what to use instead')
    .action(async (text: string, message: string | undefined, options: RemoteOptions) => {
      const { path, version } = versionArgument(text);
      const url = handlerPath(path, `/versions/${encodeURIComponent(version)}/deprecate`);
      const body = message === undefined ? {} : { message };
      await registryOf(shell, options).request('POST', url, { body });
      const done = { path, version, deprecated: message ?? true };
      show(shell, options, done, () => `${path}@${version} is deprecated.`);
    });
}

export function deleteCommand(shell: Shell): Command {
  return remoteCommand('delete', 'Deletes a version that is neither live nor named by an alias, for good.', [
    'delete orders/total@1.0.0',
  ])
    .argument('<path@version>', 'the version')
    .action(async (text: string, options: RemoteOptions) => {
      const { path, version } = versionArgument(text);
      const url = handlerPath(path, `/versions/${encodeURIComponent(version)}`);
      await registryOf(shell, options).request('DELETE', url);
      show(shell, options, { path, version, deleted: true }, () => `${path}@${version} is deleted.`);
    });
}

export function retireCommand(shell: Shell): Command {
  return remoteCommand(
    'retire',
    'Takes a path away: nothing is live any more, its versions stay. Work that waits for it becomes dead letters.',
    ['retire orders/total', 'rollback orders/total        is the way back'],
  )
    .argument('<path>', 'control path')
    .option('--revision <number>', 'refuse when the route has changed since this revision')
    .action(async (text: string, options: RemoteOptions & { revision?: string }) => {
      const path = pathArgument(text);
      const { revision } = options;
      const change = revision === undefined ? {} : { revision };
      const view = await changeRoute(
        shell,
        registryOf(shell, options),
        'DELETE',
        handlerPath(path, '/route'),
        change,
      );
      show(shell, options, view, () => `${path} is retired. Back again: mesh rollback ${path}`);
    });
}
