import { Command, Option } from 'commander';
import { type ControlPath, controlPathFault, isAlias, isVersion } from '#contracts';
import { CliError, EXIT } from './exit.js';
import { type AddressOptions, findRegistry } from './mesh-address.js';
import { RegistryClient } from './registry-client.js';
import type { Shell } from './shell.js';

/** Options of every command that speaks to the registry. */
export interface RemoteOptions extends AddressOptions {
  readonly json?: boolean;
}

/** A command that speaks to the registry. @param examples lines without `mesh ` */
export function remoteCommand(name: string, description: string, examples: readonly string[]): Command {
  return localCommand(name, description, examples)
    .addOption(new Option('--registry <url>', 'registry; otherwise MESH_REGISTRY_URL, or mesh.json'))
    .addOption(new Option('--token <token>', 'token; otherwise MESH_TOKEN, or mesh.json'));
}

export function localCommand(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', `\nExamples:\n${examples.map(exampleLine).join('\n')}`);
}

/** One that begins with something else has its own `mesh`. */
const exampleLine = (example: string): string =>
  example.includes(' mesh ') ? `  ${example}` : `  mesh ${example}`;

export const registryOf = (shell: Shell, options: RemoteOptions): RegistryClient =>
  new RegistryClient(findRegistry(shell, options));

/** The answer: as JSON for programs, as text for people. */
export function show<T>(shell: Shell, { json }: RemoteOptions, value: T, text: (value: T) => string): void {
  shell.print(json ? JSON.stringify(value, null, 2) : text(value));
}

/** @throws CliError with the reason */
export function pathArgument(text: string): ControlPath {
  const fault = controlPathFault(text);
  if (fault)
    throw wrong(`${JSON.stringify(text)} is no control path: ${fault}.`, 'Write it like users/find.');
  return text as ControlPath;
}

/** `users/find@1.2.0` or, where `orAlias`, `users/find@canary`. */
export function versionArgument(text: string, orAlias = false): { path: ControlPath; version: string } {
  const [path = '', version = '', ...rest] = text.split('@');
  const isRight = isVersion(version) || (orAlias && isAlias(version));
  if (rest.length > 0 || !isRight)
    throw wrong(`${JSON.stringify(text)} names no version of a handler.`, 'Write it like users/find@1.2.0.');
  return { path: pathArgument(path), version };
}

export const wrong = (reason: string, remedy: string) => new CliError(reason, remedy, EXIT.usage);

/** `name=value` pairs, each as given. */
export function pairArgument(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw wrong(`${JSON.stringify(text)} is no pair.`, 'Write it like name=value.');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** A whole number of an option. */
export function numberArgument(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw wrong(`${JSON.stringify(text)} is no whole number above 0.`, 'Write it like 20.');
}
