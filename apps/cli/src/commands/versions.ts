import type { Command } from 'commander';
import { sizeText } from '#packer';
import { handlerPath } from '../registry-client.js';
import { pathArgument, type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain, shortTime, table } from '../table.js';
import type { HandlerView, VersionView } from '../views.js';

export function versionsCommand(shell: Shell): Command {
  return remoteCommand('versions', 'Lists the versions of a handler, the newest first.', [
    'versions orders/total',
    'versions orders/total --json',
  ])
    .argument('<path>', 'control path')
    .action(async (text: string, options: RemoteOptions) => {
      const path = pathArgument(text);
      const registry = registryOf(shell, options);
      const [versions, handler] = await Promise.all([
        registry.list<VersionView>(handlerPath(path, '/versions'), {}),
        registry.get<HandlerView>(handlerPath(path)),
      ]);
      show(shell, options, versions, (all) => versionTable(all, handler));
    });
}

function versionTable(versions: readonly VersionView[], handler: HandlerView): string {
  const rows = versions.map((one) => [
    one.version,
    stateOf(one, handler),
    shortTime(one.publishedAt),
    one.publishedBy,
    sizeText(one.size),
    one.manifest?.commit?.slice(0, 10) ?? '',
    one.digest.slice('sha256:'.length, 'sha256:'.length + 12),
  ]);
  return table(['version', 'state', 'published (UTC)', 'by', 'size', 'commit', 'sha256'], rows);
}

/** `live 90 %`, `@canary`, `deprecated: use 2.0.0`, one after the other. */
function stateOf({ version, deprecated }: VersionView, { live, aliases = {} }: HandlerView): string {
  const weight = live.find((one) => one.version === version)?.weight;
  const names = Object.keys(aliases).filter((name) => aliases[name] === version);
  const states = [
    ...(weight ? [weight === 100 ? 'live' : `live ${weight} %`] : []),
    ...names.map((name) => `@${name}`),
    ...(deprecated === undefined ? [] : [plain(`deprecated: ${deprecated}`)]),
  ];
  return states.join(', ');
}
