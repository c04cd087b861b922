import { Command, Option } from 'commander';
import { PackError, PublishError, pack, publish } from '#packer';
import { findRegistry, type RegistryAddress } from '../registry-address.js';

interface Options {
  readonly registry?: string;
  readonly token?: string;
  readonly json?: boolean;
}

interface Published {
  readonly folder: string;
  readonly path?: string;
  readonly version?: string;
  readonly digest?: string;
  readonly error?: string;
}

export function publishCommand(): Command {
  return new Command('publish')
    .description(
      'Packs the handlers in these folders and publishes them; the same bytes again change nothing.',
    )
    .argument('<folder...>', 'folders with a handler each')
    .addOption(new Option('--registry <url>', 'registry to publish to').env('MESH_REGISTRY_URL'))
    .addOption(new Option('--token <token>', 'token that may publish').env('MESH_TOKEN'))
    .option('--json', 'print one JSON array instead of lines')
    .action(publishFolders);
}

async function publishFolders(folders: string[], options: Options): Promise<void> {
  const address = {
    ...(options.registry ? { url: options.registry } : {}),
    ...(options.token ? { token: options.token } : {}),
  };
  const registry = await findRegistry(address, process.cwd());
  const results: Published[] = [];
  for (const folder of folders) {
    const result = await publishFolder(folder, registry);
    results.push(result);
    if (!options.json) process.stdout.write(`${lineOf(result)}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  if (results.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

/** One that fails does not keep the others from being published. */
async function publishFolder(folder: string, { url, token }: RegistryAddress): Promise<Published> {
  try {
    const packed = await pack(folder);
    const { path, version } = packed.manifest;
    await publish({ registryUrl: url, token, packed });
    return { folder, path, version, digest: packed.digest };
  } catch (error) {
    if (error instanceof PackError || error instanceof PublishError) return { folder, error: error.message };
    throw error;
  }
}

function lineOf({ folder, path, version, digest, error }: Published): string {
  return error === undefined ? `✓ ${path}@${version}  ${digest}` : `✗ ${folder}: ${error}`;
}
