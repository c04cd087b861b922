import { Command } from 'commander';
import { publishCommand } from './commands/publish.js';

/** The `mesh` command. Exit code 0 when everything that was asked for happened, 1 otherwise. */
export async function main(): Promise<void> {
  const program = new Command('mesh')
    .description('Packs and publishes handlers of a λ-mesh.')
    .showHelpAfterError()
    .addCommand(publishCommand());
  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
