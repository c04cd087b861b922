import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { MeshError } from '#contracts';
import { PackError, type PackedArtifact, PublishError, packAll, publish, sizeText, unpack } from '#packer';
import { CliError, EXIT } from '../exit.js';
import { findRegistry, type RegistryAddress } from '../mesh-address.js';
import { refusal } from '../registry-client.js';
import { type RemoteOptions, remoteCommand } from '../remote.js';
import type { Shell } from '../shell.js';
import type { PublishedView } from '../views.js';

interface Options extends RemoteOptions {
  readonly live: boolean;
  readonly commit: boolean;
}

/** What came of one handler, or of a folder that could not be packed. */
interface Outcome {
  readonly from: string;
  readonly published?: PublishedView & { readonly path: string };
  readonly error?: CliError;
}

export function publishCommand(shell: Shell): Command {
  return remoteCommand(
    'publish',
    'Packs handlers and makes them live; the same bytes again change nothing.',
    [
      'publish                          the handlers of this folder',
      'publish a b c                    several folders; one that fails does not keep the others',
      'publish orders-total-1.0.0.tgz   an artifact of mesh pack, into another mesh say',
      'publish --no-live                record the version, and leave the route as it is',
    ],
  )
    .argument('[source...]', 'folders with handlers, or artifacts (.tgz)', ['.'])
    .option('--no-live', 'record the version without making it live')
    .option('--no-commit', 'do not note the git commit')
    .action((sources: string[], options: Options) => publishAll(shell, sources, options));
}

async function publishAll(shell: Shell, sources: string[], options: Options): Promise<void> {
  const registry = findRegistry(shell, options);
  const outcomes: Outcome[] = [];
  for (const source of sources)
    for await (const outcome of publishSource(shell, source, registry, options)) {
      outcomes.push(outcome);
      if (!options.json) tell(shell, outcome, options.live);
    }
  if (options.json) shell.print(JSON.stringify(outcomes.map(jsonOf), null, 2));
  const codes = outcomes.map(({ error }) => error?.exitCode ?? EXIT.done);
  shell.exitCode = codes.reduce((worst, code) => (code > worst ? code : worst), EXIT.done);
}

async function* publishSource(
  shell: Shell,
  source: string,
  registry: RegistryAddress,
  { live, commit }: Options,
): AsyncGenerator<Outcome> {
  const packed = await shell
    .during(`packing ${source}`, () => artifactsOf(resolve(shell.folder, source), commit))
    .catch(asCliError);
  if (packed instanceof CliError) return yield { from: source, error: packed };
  for (const one of packed) {
    const { path, version } = one.manifest;
    const request = { registryUrl: registry.url, token: registry.token, packed: one, live };
    const answer = await shell
      .during(`publishing ${path}@${version}`, () => publish(request))
      .catch((error: unknown) => asCliError(error, registry.url));
    if (answer instanceof CliError) yield { from: source, error: answer };
    else yield { from: source, published: { ...(answer as PublishedView), path } };
  }
}

/** A folder's handlers, packed; or an artifact that was packed before, read. */
async function artifactsOf(path: string, commit: boolean): Promise<readonly PackedArtifact[]> {
  if (!path.endsWith('.tgz')) return packAll(path, { commit });
  const artifact = await readFile(path).catch(() => {
    throw new CliError(`There is no file ${path}.`, 'Make it by: mesh pack', EXIT.failed);
  });
  return [{ artifact, manifest: (await unpack(artifact)).manifest }];
}

function asCliError(error: unknown, registryUrl = ''): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof PackError) return new CliError(error.reason, error.remedy, EXIT.failed, error.code);
  if (error instanceof MeshError)
    return new CliError(error.message, 'Pack it again: mesh pack', EXIT.failed, error.code);
  if (!(error instanceof PublishError)) throw error;
  if (error.status === 0)
    return new CliError(error.message, 'Is it running? Check: mesh doctor', EXIT.unreachable, 'unreachable');
  return refusal(registryUrl, '/versions', error.status, { code: error.code, detail: error.reason });
}

const jsonOf = ({ from, published, error }: Outcome): object =>
  error === undefined
    ? { from, ...published }
    : { from, error: error.reason, remedy: error.remedy, code: error.code };

function tell(shell: Shell, { from, published, error }: Outcome, live: boolean): void {
  if (error) return shell.tell(`✗ ${from}: ${error.message}`);
  if (!published) return;
  const { path, version, size, digest, executors } = published;
  const state = stateOf(published, live);
  shell.print(
    `✓ ${path}@${version} is ${state}${published.live === false ? '' : confirmedText(executors)}  (${sizeText(size)}, ${digest})`,
  );
  for (const executor of executors?.missing ?? [])
    shell.tell(`! Executor ${executor} has not taken it over yet. See its log, and: mesh doctor`);
}

function stateOf({ path, version, created, live = true }: PublishedView, wanted: boolean): string {
  if (live) return created === false ? 'live already' : 'live';
  const how = `mesh route ${path} ${version}`;
  return wanted ? `published already, but not live (${how})` : `recorded, not live (${how})`;
}

function confirmedText(executors: PublishedView['executors']): string {
  if (executors === undefined) return '';
  const { length } = executors.confirmed;
  if (length === 0) return executors.missing.length === 0 ? ', and no executor is running' : '';
  return ` on ${length} ${length === 1 ? 'executor' : 'executors'}`;
}
