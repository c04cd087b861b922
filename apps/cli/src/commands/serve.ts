import type { Command } from 'commander';
import { localCommand, wrong } from '../remote.js';
import { serveHandler } from '../serve/serve-handler.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly host?: string;
  readonly port?: string;
  readonly reload?: boolean;
}

export function serveCommand(shell: Shell): Command {
  return localCommand(
    'serve',
    'Serves one handler at POST /, without a mesh, until Ctrl-C: {"payload": "…"} → {"result": …}.',
    [
      'serve src/total.ts                 the handler of a module',
      'serve src/total.ts#total           one of its exports',
      'serve tests.decoders.decode_type_a by a dotted path: of a module below this folder, or of Python',
      'HANDLER_FUNCTION=function.handler.handle mesh serve',
    ],
  )
    .argument('[handler]', 'module, module#export, or dotted path; otherwise HANDLER_FUNCTION')
    .option('--host <address>', 'address to listen on; otherwise MESH_SERVE_HOST, or 127.0.0.1')
    .option('--port <port>', 'port to listen on; otherwise MESH_SERVE_PORT, or 8000; 0 picks a free one')
    .option('--reload', 'begin anew whenever a source of this folder is saved')
    .action(async (handler: string | undefined, { host, port, reload = false }: Options) => {
      if (handler === undefined && !shell.environment.HANDLER_FUNCTION)
        throw wrong('No handler is named.', 'mesh serve <module>[#export], or set HANDLER_FUNCTION.');
      const stated = { HANDLER_FUNCTION: handler, MESH_SERVE_HOST: host, MESH_SERVE_PORT: port };
      shell.exitCode = await serveHandler(shell, defined(stated), reload);
    });
}

const defined = (variables: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
