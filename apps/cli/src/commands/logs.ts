import type { Command } from 'commander';
import { followLogs, type LogLine } from '#fabric';
import { CliError } from '../exit.js';
import { connectNats } from '../nats.js';
import { localCommand, pathArgument } from '../remote.js';
import type { Shell } from '../shell.js';
import { plain } from '../table.js';

interface Options {
  readonly nats?: string;
  readonly json?: boolean;
}

export function logsCommand(shell: Shell): Command {
  return localCommand('logs', 'Follows what a handler logs, from now on, until Ctrl-C.', [
    'logs orders/total',
    'logs orders/total --json | jq .message',
  ])
    .argument('<path>', 'control path')
    .option('--nats <url>', 'NATS server; otherwise MESH_NATS_URL, or mesh.json')
    .action(async (text: string, { nats, json }: Options) => {
      const path = pathArgument(text);
      const connection = await connectNats(shell, nats);
      const feed = followLogs(connection, path, (line) =>
        shell.print(json ? JSON.stringify(line) : lineText(line)),
      );
      // Only then has the server said whether this user may listen.
      await connection.flush();
      shell.tell(`Following ${path}; Ctrl-C ends.`);
      await Promise.race([feed.refused, interrupted()]).catch(() => {
        throw notAllowed();
      });
      await connection.close();
    });
}

const interrupted = () =>
  new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('disconnect', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

/** `22:00:05.123 info  1.2.0  text {"field":1}` */
export function lineText({ time, level, version, message, fields }: LogLine): string {
  const shown = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
  return plain(`${time.slice(11, 23)} ${level.padEnd(5)} ${version}  ${message}${shown}`);
}

const notAllowed = () =>
  new CliError(
    'This user of the NATS server may not hear what handlers log.',
    'Log in as one that may subscribe mesh.log.>: set MESH_NATS_USER and MESH_NATS_PASSWORD.',
  );
