import { Command, Option } from 'commander';
import { numberArgument, type RemoteOptions, registryOf, remoteCommand, show } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain, shortTime, table } from '../table.js';
import type { TokenView } from '../views.js';

const ROLES = ['reader', 'publisher', 'admin'] as const;

interface CreateOptions extends RemoteOptions {
  readonly role: (typeof ROLES)[number];
  readonly expires?: number;
}

export function tokenCommand(shell: Shell): Command {
  return new Command('token')
    .description('Tokens of the registry: made, listed, revoked.')
    .addCommand(createCommand(shell))
    .addCommand(listCommand(shell))
    .addCommand(revokeCommand(shell));
}

const createCommand = (shell: Shell) =>
  remoteCommand('create', 'Makes a token. It is shown once, on standard output.', [
    'token create ci --role publisher --expires 90',
    'token create me --role admin > token.txt',
  ])
    .argument('<name>', 'who will use it; stands in the audit')
    .addOption(
      new Option('--role <role>', 'reader: looks; publisher: publishes and routes; admin: everything')
        .choices(ROLES)
        .default('reader'),
    )
    .option('--expires <days>', 'days until it ends; otherwise never', numberArgument)
    .action(async (name: string, options: CreateOptions) => {
      const { role, expires } = options;
      const body = { name, role, ...(expires === undefined ? {} : { expiresInDays: expires }) };
      const registry = registryOf(shell, options);
      const made = await registry.request<{ id: string; token: string }>('POST', '/tokens', { body });
      if (!options.json) shell.tell(`Token ${made.id} (${role}) is shown this once:`);
      show(shell, options, made, ({ token }) => token);
    });

const listCommand = (shell: Shell) =>
  remoteCommand('ls', 'Lists the tokens, without their secrets.', ['token ls']).action(
    async (options: RemoteOptions) => {
      const tokens = await registryOf(shell, options).list<TokenView>('/tokens', {});
      show(shell, options, tokens, (all) =>
        all.length === 0 ? 'There are no tokens beside the one of MESH_ADMIN_TOKEN.' : tokenTable(all),
      );
    },
  );

const revokeCommand = (shell: Shell) =>
  remoteCommand('revoke', 'Ends a token at once.', ['token revoke 0190f3a2'])
    .argument('<id>', 'as token ls shows it')
    .action(async (id: string, options: RemoteOptions) => {
      await registryOf(shell, options).request('DELETE', `/tokens/${encodeURIComponent(id)}`);
      show(shell, options, { id, revoked: true }, () => `Token ${id} is revoked.`);
    });

const tokenTable = (tokens: readonly TokenView[]): string =>
  table(
    ['id', 'name', 'role', 'made (UTC)', 'by', 'expires'],
    tokens.map(({ id, name, role, createdAt, createdBy, expiresAt }) => [
      id,
      plain(name),
      role,
      shortTime(createdAt),
      plain(createdBy),
      expiresAt ? shortTime(expiresAt) : 'never',
    ]),
  );
