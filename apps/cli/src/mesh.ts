import { Command, CommanderError } from 'commander';
import { ConfigError } from '#contracts';
import { PackError } from '#packer';
import { aliasCommand } from './commands/alias.js';
import { auditCommand } from './commands/audit.js';
import { deadCommand } from './commands/dead.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { envCommand } from './commands/env.js';
import { importCommand } from './commands/import.js';
import { invocationsCommand } from './commands/invocations.js';
import { invokeCommand } from './commands/invoke.js';
import { limitsCommand } from './commands/limits.js';
import { listCommand } from './commands/list.js';
import { logsCommand } from './commands/logs.js';
import { newCommand } from './commands/new.js';
import { packCommand } from './commands/pack.js';
import { publishCommand } from './commands/publish.js';
import { deleteCommand, deprecateCommand, retireCommand } from './commands/retire.js';
import { rollbackCommand } from './commands/rollback.js';
import { routeCommand } from './commands/route.js';
import { serveCommand } from './commands/serve.js';
import { tokenCommand } from './commands/token.js';
import { versionsCommand } from './commands/versions.js';
import { CliError, EXIT, EXIT_TEXT } from './exit.js';
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
 *   serve/          one handler without a mesh          lambda/  zips for AWS Lambda
 */

/** In the order in which one meets them; the headings of `mesh --help`. */
const GROUPS: Readonly<Record<string, readonly ((shell: Shell) => Command)[]>> = {
  'Write a handler:': [
    newCommand,
    devCommand,
    invokeCommand,
    packCommand,
    publishCommand,
    logsCommand,
    serveCommand,
  ],
  'Versions and routes:': [
    listCommand,
    versionsCommand,
    routeCommand,
    aliasCommand,
    rollbackCommand,
    deprecateCommand,
    deleteCommand,
    retireCommand,
    envCommand,
    limitsCommand,
    importCommand,
  ],
  'Look after the mesh:': [doctorCommand, deadCommand, auditCommand, invocationsCommand, tokenCommand],
};

/** Ends the process with one of {@link EXIT}. */
export async function main(): Promise<void> {
  // The one place of the command that reads the environment.
  const shell = shellOf(process.cwd(), process.env);
  // Whoever read as much as he wanted, as `mesh list | head` does.
  process.stdout.on('error', () => process.exit(shell.exitCode));
  await run(shell, process.argv.slice(2));
  // A NATS client that is still trying to connect would keep the process.
  process.exit(shell.exitCode);
}

/** Runs one command; what came of it stands in the shell's exit code. */
export async function run(shell: Shell, args: readonly string[]): Promise<void> {
  try {
    await programOf(shell).parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has said it already: help, version, or what is wrong with the arguments.
    if (error instanceof CommanderError) shell.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    else report(shell, asCliError(error), args.includes('--json'));
  }
}

function programOf(shell: Shell): Command {
  const program = new Command('mesh')
    .description('Handlers of a λ-mesh: written, published, routed, looked after.')
    .version(meshVersion())
    .enablePositionalOptions()
    .addHelpText('after', `${EXIT_TEXT}\n\nStart here:\n  mesh new orders/total\n  mesh doctor`);
  for (const [heading, commands] of Object.entries(GROUPS))
    for (const command of commands) program.addCommand(command(shell).helpGroup(heading));
  return through(shell, program);
}

/** Wrong arguments are thrown, so that they end with {@link EXIT.usage}; all that is said goes through the shell. */
function through(shell: Shell, command: Command): Command {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.print(text.trimEnd()),
      writeErr: (text) => shell.tell(text.trimEnd()),
    })
    .showHelpAfterError('(mesh --help lists all commands, mesh <command> --help its options)');
  for (const below of command.commands) through(shell, below);
  return command;
}

function report(shell: Shell, { message, reason, remedy, code, exitCode }: CliError, json: boolean): void {
  shell.exitCode = exitCode;
  if (json) shell.print(JSON.stringify({ error: reason, remedy, code, exitCode }, null, 2));
  else shell.tell(`✗ ${message}`);
}

function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof PackError) return new CliError(error.reason, error.remedy, EXIT.failed, error.code);
  if (error instanceof ConfigError)
    return new CliError(error.message, 'Correct the environment.', EXIT.usage);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(
    `This should not happen: ${text}`,
    'Report it, with the command that did it.',
    EXIT.failed,
  );
}
