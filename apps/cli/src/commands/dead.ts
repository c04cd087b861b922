import { Command } from 'commander';
import { EXIT } from '../exit.js';
import type { Query } from '../registry-client.js';
import { numberArgument, type RemoteOptions, registryOf, remoteCommand, show, wrong } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain, shortTime, table } from '../table.js';
import { timeArgument } from '../time-argument.js';
import type { DeadBulkView, DeadDetailView, DeadLetterView } from '../views.js';
import { invocationTable } from './invocations.js';

type Filters = Readonly<Partial<Record<'path' | 'reason' | 'since' | 'until', string>>>;
interface TreatOptions extends RemoteOptions, Filters {
  readonly all?: boolean;
  readonly yes?: boolean;
}
type Treatment = 'replay' | 'drop';

/** Work that ended badly: looked at, run again, or dropped. */
export function deadCommand(shell: Shell): Command {
  return new Command('dead')
    .description('Dead letters, work that ended badly: listed, shown, replayed, dropped.')
    .addCommand(listCommand(shell))
    .addCommand(showCommand(shell))
    .addCommand(
      treatCommand(shell, 'replay', 'Runs them again: one by its id, or all that the options mean.', [
        'dead replay 0190f3a2-…',
        'dead replay --path orders/total --since 2h        how many that would be',
        'dead replay --path orders/total --since 2h --yes  do it',
      ]),
    )
    .addCommand(
      treatCommand(shell, 'drop', 'Removes them for good: one by its id, or all that the options mean.', [
        'dead drop 0190f3a2-…',
        'dead drop --reason expired --until 30d --yes',
        'dead drop --all --yes',
      ]),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  mesh dead ls --since 2h\n  mesh dead replay --path orders/total --yes',
    );
}

const filtered = (command: Command): Command =>
  command
    .option('--path <path>', 'of this handler')
    .option('--reason <reason>', 'such as failed, crashed, expired, handler-error')
    .option('--since <time>', '2h, 7d, or 2026-01-31T10:00:00Z', timeArgument)
    .option('--until <time>', 'likewise', timeArgument);

const listCommand = (shell: Shell) =>
  filtered(
    remoteCommand('ls', 'Lists them, the latest first.', [
      'dead ls',
      'dead ls --path orders/total --since 2h',
    ]),
  )
    .option('--limit <number>', 'how many at the most', numberArgument, 50)
    .action(
      async ({ limit, json, registry, token, ...filters }: RemoteOptions & Filters & { limit: number }) => {
        const client = registryOf(shell, { registry, token });
        const found = await client.list<DeadLetterView>('/dead', filters as Query, limit);
        show(shell, { json }, found, (all) =>
          all.length === 0 ? 'There are no such dead letters.' : letterTable(all),
        );
      },
    );

const showCommand = (shell: Shell) =>
  remoteCommand('show', 'Shows the event as it was accepted, and what is on record of its attempts.', [
    'dead show 0190f3a2-…',
  ])
    .argument('<id>', 'as dead ls shows it')
    .action(async (id: string, options: RemoteOptions) => {
      const url = `/dead/${encodeURIComponent(id)}`;
      show(shell, options, await registryOf(shell, options).get<DeadDetailView>(url), detailText);
    });

const treatCommand = (shell: Shell, treatment: Treatment, description: string, examples: readonly string[]) =>
  filtered(remoteCommand(treatment, description, examples))
    .argument('[id]', 'as dead ls shows it')
    .option('--all', 'all that there are')
    .option('--yes', 'do it; otherwise it is only said how many that would be')
    .action((id: string | undefined, options: TreatOptions) =>
      id === undefined ? treatMany(shell, treatment, options) : treatOne(shell, treatment, id, options),
    );

const DONE: Readonly<Record<Treatment, string>> = { replay: 'replayed', drop: 'dropped' };

async function treatOne(
  shell: Shell,
  treatment: Treatment,
  id: string,
  { json, registry, token, yes: _, ...filters }: TreatOptions,
): Promise<void> {
  if (Object.keys(filters).length > 0) throw wrong('An id and a filter.', 'Give one of them.');
  const client = registryOf(shell, { registry, token });
  const url = `/dead/${encodeURIComponent(id)}`;
  if (treatment === 'drop') await client.request('DELETE', url);
  else await client.request('POST', `${url}/replay`);
  show(shell, { json }, { id, [DONE[treatment]]: true }, () => `${id} is ${DONE[treatment]}.`);
}

async function treatMany(
  shell: Shell,
  treatment: Treatment,
  { json, registry, token, yes, ...body }: TreatOptions,
): Promise<void> {
  if (Object.keys(body).length === 0)
    throw wrong('Which ones?', 'Give an id, a filter such as --path, or --all.');
  const client = registryOf(shell, { registry, token });
  const ask = (more: object) =>
    client.request<DeadBulkView>('POST', `/dead/${treatment}`, { body: { ...body, ...more } });
  const { matched } = await shell.during('counting', () => ask({ dryRun: true }));
  if (!yes) {
    shell.exitCode = EXIT.refused;
    show(shell, { json }, { matched, done: 0 }, () => wouldBe(treatment, matched));
    return;
  }
  const came = await treatAll(shell, treatment, matched, ask);
  if (came.refused.length > 0) shell.exitCode = EXIT.refused;
  show(shell, { json }, came, (all) => cameText(treatment, all));
}

/** A request is bounded, so that it says how far it is. */
async function treatAll(
  shell: Shell,
  treatment: Treatment,
  matched: number,
  ask: (more: object) => Promise<DeadBulkView>,
): Promise<DeadBulkView> {
  let sum: DeadBulkView = { matched: 0, done: 0, refused: [], next: null };
  do {
    const cursor = sum.next === null ? {} : { cursor: sum.next };
    const came = await shell.during(`${DONE[treatment]}: ${sum.done} of ${matched}`, () => ask(cursor));
    sum = {
      matched: sum.matched + came.matched,
      done: sum.done + came.done,
      refused: [...sum.refused, ...came.refused],
      next: came.next,
    };
  } while (sum.next !== null);
  return sum;
}

const letters = (count: number): string => (count === 1 ? '1 dead letter' : `${count} dead letters`);

const wouldBe = (treatment: Treatment, matched: number): string =>
  `${letters(matched)} would be ${DONE[treatment]}. Nothing was done; add --yes to do it.`;

function cameText(treatment: Treatment, { done, refused }: DeadBulkView): string {
  const said = `${letters(done)} ${DONE[treatment]}.`;
  if (refused.length === 0) return said;
  const counts = Map.groupBy(refused, ({ code }) => code);
  const why = [...counts].map(([code, group]) => `${group.length} ${code}`).join(', ');
  return `${said}\n✗ Still there: ${why}\n  → See them: mesh dead ls; what no-route means: the path has no live version (mesh route <path>)`;
}

const letterTable = (found: readonly DeadLetterView[]): string =>
  table(
    ['time (UTC)', 'handler', 'reason', 'attempts', 'source', 'id', 'error'],
    found.map(({ at, path, version, reason, attempts, source, id, seq, error }) => [
      shortTime(at),
      `${path}${version ? `@${version}` : ''}`,
      reason,
      String(attempts),
      source ?? '',
      id || String(seq),
      shortened(error),
    ]),
  );

const MAX_ERROR = 60;
const shortened = (text: string): string =>
  text.length > MAX_ERROR ? `${text.slice(0, MAX_ERROR - 1)}…` : text;

function detailText(letter: DeadDetailView): string {
  const { path, version, id, reason, error, attempts, at, replay, headers, runs } = letter;
  const facts = [
    ['handler', `${path}${version ? `@${version}` : ''}`],
    ['id', id],
    ['reason', reason],
    ['error', error],
    ['attempts', String(attempts)],
    ['time (UTC)', shortTime(at)],
    ...(replay > 0 ? [['replayed', `${replay} times before`]] : []),
    ...Object.entries(headers).map(([name, value]) => [name, value]),
  ];
  const ran = runs === null ? '(the database is away)' : runs.length === 0 ? '(none)' : invocationTable(runs);
  return `${table(['', ''], facts).trimStart()}\n\n${bodyText(letter)}\n\nOn record:\n${ran}`;
}

function bodyText({ encoding, body, size }: DeadDetailView): string {
  if (size === 0) return '(no body)';
  if (encoding === 'json') return JSON.stringify(body, null, 2);
  if (encoding === 'base64') return `(${size} bytes that are no text; --json has them)`;
  return String(body).split('\n').map(plain).join('\n');
}
