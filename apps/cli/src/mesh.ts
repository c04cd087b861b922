import { Command, CommanderError } from 'commander';
import { ConfigError, isMeshError } from '#contracts';
import { PackError } from '#packer';
import { aliasCommand } from './commands/alias.js';
import { auditCommand } from './commands/audit.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { envCommand } from './commands/env.js';
import { importCommand } from './commands/import.js';
import { invocationsCommand } from './commands/invocations.js';
import { invokeCommand } from './commands/invoke.js';
import { listCommand } from './commands/list.js';
import { logsCommand } from './commands/logs.js';
import { newCommand } from './commands/new.js';
import { packCommand } from './commands/pack.js';
import { publishCommand } from './commands/publish.js';
import { deleteCommand, deprecateCommand } from './commands/retire.js';
import { rollbackCommand } from './commands/rollback.js';
import { routeCommand } from './commands/route.js';
import { tokenCommand } from './commands/token.js';
import { versionsCommand } from './commands/versions.js';
import { CliError, EXIT, EXIT_TEXT, type ExitCode } from './exit.js';
import { type Shell, shellOf } from './shell.js';
import { meshVersion } from './version.js';

/*
 * The `mesh` command.
 *
 *   commands/*      one file a command: its arguments, what it asks for, what it prints
 *   shell           folder, environment, output, progress, input: what a command knows of where it runs
 *   config          its environment variables
 *   mesh-address    where registry, ingress and NATS are
 *   registry-client the registry's HTTP API; every refusal says what to do next
 *   exit            exit codes, and the error that carries one
 *   scaffold/       what `new` writes     invoke/  the two ways of a call     doctor/  what is examined
 */

/** In the order in which one meets them; the headings of `mesh --help`. */
const GROUPS: Readonly<Record<string, readonly ((shell: Shell) => Command)[]>> = {
  'Write a handler:': [newCommand, devCommand, invokeCommand, packCommand, publishCommand, logsCommand],
  'Versions and routes:': [
    listCommand,
    versionsCommand,
    routeCommand,
    aliasCommand,
    rollbackCommand,
    deprecateCommand,
    deleteCommand,
    envCommand,
    importCommand,
  ],
  'Look after the mesh:': [doctorCommand, auditCommand, invocationsCommand, tokenCommand],
};

/** Ends the process with one of {@link EXIT}. */
export async function main(): Promise<void> {
  // The one place of the command that reads the environment.
  const shell = shellOf(process.cwd(), process.env);
  try {
    await programOf(shell).parseAsync();
  } catch (error) {
    process.exitCode = report(shell, error);
  }
  // A NATS client that is still trying to connect would keep the process.
  process.exit();
}

export function programOf(shell: Shell): Command {
  const program = new Command('mesh')
    .description('Handlers of a λ-mesh: written, published, routed, looked after.')
    .version(meshVersion())
    .enablePositionalOptions()
    .addHelpText('after', `${EXIT_TEXT}\n\nStart here:\n  mesh new orders/total\n  mesh doctor`);
  for (const [heading, commands] of Object.entries(GROUPS))
    for (const command of commands) program.addCommand(command(shell).helpGroup(heading));
  return withExit(program);
}

/** Wrong arguments are thrown, so that they end with {@link EXIT.usage}. */
function withExit(command: Command): Command {
  command
    .exitOverride()
    .showHelpAfterError('(mesh --help lists all commands, mesh <command> --help its options)');
  for (const below of command.commands) withExit(below);
  return command;
}

function report(shell: Shell, error: unknown): ExitCode {
  // Commander has said it already: help, version, or what is wrong with the arguments.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof CliError) return tell(shell, error.message, error.exitCode);
  if (error instanceof PackError) return tell(shell, `${error.reason}\n  → ${error.remedy}`, EXIT.failed);
  if (error instanceof ConfigError) return tell(shell, error.message, EXIT.usage);
  if (isMeshError(error)) return tell(shell, error.message, EXIT.failed);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return tell(shell, `This should not happen:\n${text}`, EXIT.failed);
}

function tell(shell: Shell, text: string, exitCode: ExitCode): ExitCode {
  shell.tell(`✗ ${text}`);
  return exitCode;
}
