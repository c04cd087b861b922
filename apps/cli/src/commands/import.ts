import type { Command } from 'commander';
import { EXIT } from '../exit.js';
import { type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain } from '../table.js';
import type { ImportView } from '../views.js';

export function importCommand(shell: Shell): Command {
  return remoteCommand('import', 'Has the registry take in artifacts from a bucket or a folder of its own.', [
    'import s3://artifacts/release-7',
    'import file:///var/lib/artifacts',
  ])
    .argument('<source>', 's3://bucket/prefix, or file:///folder on the machine of the registry')
    .action(async (source: string, options: RemoteOptions) => {
      const registry = registryOf(shell, options);
      const { items } = await shell.during(`importing ${source}`, () =>
        registry.request<{ items: ImportView[] }>('POST', '/imports', { body: { source } }),
      );
      show(shell, options, items, (all) =>
        all.length === 0 ? `There are no artifacts in ${source}.` : all.map(lineOf).join('\n'),
      );
      if (items.some(({ result }) => result === 'refused')) shell.exitCode = EXIT.refused;
    });
}

function lineOf({ key, path, version, result, reason }: ImportView): string {
  if (result === 'refused') return `✗ ${plain(key)}: ${plain(reason ?? 'refused')}`;
  return `✓ ${path}@${version} ${result === 'created' ? 'from' : 'unchanged:'} ${plain(key)}`;
}
