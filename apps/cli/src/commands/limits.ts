import type { Command } from 'commander';
import { type Limits, limits } from '#contracts';
import { handlerPath } from '../registry-client.js';
import {
  collect,
  pathArgument,
  type RemoteOptions,
  registryOf,
  remoteCommand,
  show,
  wrong,
} from '../remote.js';
import type { Shell } from '../shell.js';
import { table } from '../table.js';
import type { HandlerView, RouteChangeView } from '../views.js';
import { changeRoute } from './route.js';

/** By option: what it sets, and in what it is counted. */
const OPTIONS: Readonly<Record<string, { readonly name: keyof Limits; readonly what: string }>> = {
  timeout: { name: 'timeoutMs', what: 'milliseconds that one attempt may take' },
  concurrency: { name: 'concurrency', what: 'runs at once' },
  queue: { name: 'queue', what: 'calls that may wait behind them' },
  workers: { name: 'workers', what: 'workers' },
  warm: { name: 'warm', what: 'workers that are kept ready' },
  memory: { name: 'memoryMb', what: 'MB of memory of each worker' },
  payload: { name: 'payloadBytes', what: "bytes of a request's body" },
  rate: { name: 'ratePerSecond', what: 'runs that begin in a second' },
  burst: { name: 'burst', what: 'runs that may begin at once after a pause' },
};

interface Options extends RemoteOptions {
  readonly unset?: readonly string[];
  readonly revision?: string;
  readonly [option: string]: unknown;
}
type Values = Partial<Record<keyof Limits, number | null>>;

export function limitsCommand(shell: Shell): Command {
  const command = remoteCommand('limits', "Shows a handler's limits, or sets the operator's; per executor.", [
    'limits orders/total                             show them',
    'limits orders/total --concurrency 20 --rate 50  set some, the others stay',
    'limits orders/total --unset rate                leave one to the manifest again',
  ]).argument('<path>', 'control path');
  for (const [option, { what }] of Object.entries(OPTIONS)) command.option(`--${option} <number>`, what);
  return command
    .option('--unset <limit>', 'a limit that is no longer set, by its option; can be repeated', collect)
    .option('--revision <number>', 'refuse when the route has changed since this revision')
    .action((text: string, options: Options) => run(shell, text, options));
}

async function run(shell: Shell, text: string, options: Options): Promise<void> {
  const path = pathArgument(text);
  const values = readLimits(options);
  const registry = registryOf(shell, options);
  const { revision } = options;
  const view =
    Object.keys(values).length === 0
      ? await registry.get<RouteChangeView>(handlerPath(path))
      : await changeRoute(shell, registry, 'PUT', handlerPath(path, '/limits'), {
          body: values,
          ...(revision === undefined ? {} : { revision }),
        });
  show(shell, options, view, limitsText);
}

/** What the options say, with null for what is to be unset. @throws CliError */
export function readLimits(options: Readonly<Record<string, unknown>>): Values {
  const values: Values = {};
  for (const [option, { name }] of Object.entries(OPTIONS))
    if (options[option] !== undefined) values[name] = readLimit(option, name, String(options[option]));
  for (const option of (options.unset as string[] | undefined) ?? []) {
    const known = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (!known) throw wrong(`There is no limit ${option}.`, `One of ${Object.keys(OPTIONS).join(', ')}.`);
    values[known.name] = null;
  }
  return values;
}

function readLimit(option: string, name: keyof Limits, text: string): number {
  const parsed = limits.shape[name].safeParse(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text);
  if (parsed.success && parsed.data !== undefined) return parsed.data;
  const why = parsed.error?.issues[0]?.message ?? 'no number';
  throw wrong(`--${option} ${JSON.stringify(text)}: ${why}.`, 'Write it like --concurrency 20.');
}

export function limitsText({ path, limits: operator = {}, manifest }: HandlerView): string {
  const author = manifest?.limits ?? {};
  const rows = Object.entries(OPTIONS).map(([option, { name, what }]) => [
    option,
    String(operator[name] ?? '-'),
    String(author[name] ?? '-'),
    what,
  ]);
  return `${path}\n${table(['limit', 'operator', 'manifest', 'of each executor'], rows)}`;
}
