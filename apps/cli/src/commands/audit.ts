import type { Command } from 'commander';
import { EXIT } from '../exit.js';
import { numberArgument, type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain, shortTime, table } from '../table.js';
import { timeArgument } from '../time-argument.js';
import type { AuditCheckView, AuditView, LiveVersionView } from '../views.js';
import { liveText } from './list.js';

interface Options extends RemoteOptions {
  readonly path?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

export function auditCommand(shell: Shell): Command {
  return remoteCommand('audit', 'Tells who did what, the latest first; "audit verify" checks the chain.', [
    'audit --path orders/total',
    'audit --actor token:ci --since 7d',
    'audit verify',
  ])
    .option('--path <path>', 'of this handler')
    .option('--actor <name>', 'admin, or token: and a name')
    .option('--action <action>', 'such as publish')
    .option('--since <time>', '2h, 7d, or 2026-01-31T10:00:00Z', timeArgument)
    .option('--until <time>', 'likewise', timeArgument)
    .option('--limit <number>', 'how many at the most', numberArgument, 50)
    .action(async ({ limit, json, registry, token, ...filters }: Options) => {
      const client = registryOf(shell, { registry, token });
      const entries = await client.list<AuditView>('/audit', filters, limit);
      show(shell, { json }, entries, auditTable);
    })
    .addCommand(verifyCommand(shell));
}

const verifyCommand = (shell: Shell) =>
  remoteCommand('verify', 'Checks that no entry was changed or cut off. Exit code 1 when one was.', [
    'audit verify',
  ]).action(async (_own: RemoteOptions, command: Command) => {
    // Options that `audit` has as well are read by it, wherever they stand.
    const options = command.optsWithGlobals<RemoteOptions>();
    const client = registryOf(shell, options);
    const check = await shell.during('verifying', () => client.get<AuditCheckView>('/audit/verify'));
    show(shell, options, check, verdict);
    if (!check.ok) shell.exitCode = EXIT.refused;
  });

const verdict = ({ ok, checked, firstBroken }: AuditCheckView): string =>
  ok
    ? `${checked} entries, each as it was written.`
    : `✗ Entry ${firstBroken?.seq} is broken: ${firstBroken?.reason}\n  → Compare it with a backup of the database; what follows it cannot be trusted.`;

const auditTable = (entries: readonly AuditView[]): string =>
  table(
    ['seq', 'time (UTC)', 'actor', 'action', 'handler', 'live then'],
    entries.map(({ seq, at, actor, action, path, version, after }) => [
      String(seq),
      shortTime(at),
      plain(actor),
      action,
      path ? `${path}${version ? `@${version}` : ''}` : '',
      liveIn(after),
    ]),
  );

/** What answers the calls after a change; the whole of it is in --json. */
function liveIn(after: unknown): string {
  const { live } = (after ?? {}) as { live?: unknown };
  return Array.isArray(live) ? plain(liveText(live as LiveVersionView[])) : '';
}
