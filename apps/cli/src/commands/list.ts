import type { Command } from 'commander';
import { type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain, table } from '../table.js';
import type { HandlerView, LiveVersionView } from '../views.js';

export function listCommand(shell: Shell): Command {
  return remoteCommand('list', 'Lists the handlers of the mesh.', ['list', 'list --json | jq -r .[].path'])
    .alias('ls')
    .action(async (options: RemoteOptions) => {
      const handlers = await registryOf(shell, options).list<HandlerView>('/handlers', {});
      show(shell, options, handlers, (all) =>
        all.length === 0
          ? 'There are no handlers yet. Make one: mesh new <path>'
          : table(
              ['path', 'live', 'description'],
              all.map(({ path, live, description }) => [path, liveText(live), plain(description ?? '')]),
            ),
      );
    });
}

/** `1.2.0`, or `1.2.0 90 %, 1.3.0 10 %`. */
export const liveText = (live: readonly LiveVersionView[]): string =>
  live
    .map(({ version, weight }) => (weight === 100 && live.length === 1 ? version : `${version} ${weight} %`))
    .join(', ');
