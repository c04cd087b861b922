import type { Command } from 'commander';
import { isVersion } from '#contracts';
import { handlerPath, type RegistryClient } from '../registry-client.js';
import { pathArgument, type RemoteOptions, registryOf, remoteCommand, show, wrong } from '../remote.js';
import type { Shell } from '../shell.js';
import { table } from '../table.js';
import type { HandlerView, RouteChangeView } from '../views.js';

interface Options extends RemoteOptions {
  readonly revision?: string;
}

export function routeCommand(shell: Shell): Command {
  return remoteCommand('route', 'Shows which versions answer a path, or sets them.', [
    'route orders/total                    show it',
    'route orders/total 1.2.0              all calls to one version',
    'route orders/total 1.2.0=90 1.3.0=10  shares of the calls, in percent',
  ])
    .argument('<path>', 'control path')
    .argument('[version=weight...]', 'versions with their weights, which add up to 100')
    .option('--revision <number>', 'refuse when the route has changed since this revision')
    .action(async (text: string, weights: string[], options: Options) => {
      const path = pathArgument(text);
      const registry = registryOf(shell, options);
      const view =
        weights.length === 0
          ? await registry.get<RouteChangeView>(handlerPath(path))
          : await changeRoute(shell, registry, 'PUT', handlerPath(path, '/route'), {
              body: { versions: readWeights(weights) },
              revision: options.revision,
            });
      show(shell, options, view, routeText);
    });
}

/** `['1.2.0=90', '1.3.0=10']`, or `['1.2.0']` for all of it. @throws CliError */
export function readWeights(texts: readonly string[]): { version: string; weight: number }[] {
  const versions = texts.map((text) => {
    const [version = '', weight = texts.length === 1 ? '100' : ''] = text.split('=');
    if (isVersion(version) && /^\d{1,3}$/.test(weight)) return { version, weight: Number(weight) };
    throw wrong(`${JSON.stringify(text)} is no version with a weight.`, 'Write it like 1.2.0=90 1.3.0=10.');
  });
  const sum = versions.reduce((total, { weight }) => total + weight, 0);
  if (sum === 100) return versions;
  throw wrong(`The weights add up to ${sum}.`, 'They are percent, and must add up to 100.');
}

/** Any change of a route; says which executor has not taken it over. */
export async function changeRoute(
  shell: Shell,
  registry: RegistryClient,
  method: string,
  path: string,
  options: { body?: unknown; revision?: string },
): Promise<RouteChangeView> {
  const view = await shell.during('changing the route', () =>
    registry.request<RouteChangeView>(method, path, options),
  );
  for (const executor of view?.executors?.missing ?? [])
    shell.tell(`! Executor ${executor} has not taken it over yet. See its log, and: mesh doctor`);
  return view;
}

export function routeText({ path, revision, live, aliases = {} }: HandlerView): string {
  const namesOf = (version: string) =>
    Object.keys(aliases)
      .filter((name) => aliases[name] === version)
      .map((name) => `@${name}`)
      .join(' ');
  const shares = live.map(({ version, weight }) => [version, `${weight} %`, namesOf(version)]);
  const held = [...new Set(Object.values(aliases))].filter(
    (version) => !live.some((one) => one.version === version),
  );
  const rows = [...shares, ...held.map((version) => [version, '0 %', namesOf(version)])];
  return `${path}, revision ${revision}\n${table(['version', 'weight', 'aliases'], rows)}`;
}
