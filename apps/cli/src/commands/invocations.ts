import type { Command } from 'commander';
import type { Query } from '../registry-client.js';
import { numberArgument, type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { shortTime, table } from '../table.js';
import { timeArgument } from '../time-argument.js';
import type { InvocationView } from '../views.js';

type Options = RemoteOptions & { readonly limit: number } & Readonly<
    Partial<Record<'path' | 'version' | 'status' | 'source' | 'since' | 'until', string>>
  >;

export function invocationsCommand(shell: Shell): Command {
  return remoteCommand('invocations', 'Lists runs of handlers, the latest first.', [
    'invocations --path orders/total --since 1h',
    'invocations --status 500 --source mqtt',
  ])
    .option('--path <path>', 'of this handler')
    .option('--version <version>', 'of this version')
    .option('--status <status>', 'such as 500')
    .option('--source <source>', 'http, mqtt, sqs, nats, call …')
    .option('--since <time>', '2h, 7d, or 2026-01-31T10:00:00Z', timeArgument)
    .option('--until <time>', 'likewise', timeArgument)
    .option('--limit <number>', 'how many at the most', numberArgument, 50)
    .action(async ({ limit, json, registry, token, ...filters }: Options) => {
      const query: Query = filters;
      const found = await registryOf(shell, { registry, token }).list<InvocationView>(
        '/invocations',
        query,
        limit,
      );
      show(shell, { json }, found, invocationTable);
    });
}

export const invocationTable = (found: readonly InvocationView[]): string =>
  table(
    ['time (UTC)', 'handler', 'source', 'outcome', 'status', 'ms', 'attempt', 'id'],
    found.map((one) => [
      shortTime(one.startedAt),
      `${one.path}${one.version ? `@${one.version}` : ''}`,
      one.source,
      one.outcome,
      String(one.status),
      (one.duration / 1_000).toFixed(1),
      String(one.attempt),
      one.id,
    ]),
  );
