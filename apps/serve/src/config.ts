import { type Config, ConfigError, setting, text } from '#contracts';
import { isLoopback } from '#lifecycle';
import { settings as executor } from '../../executor/src/config.js';

const { isolation, graceMs, workerMemoryMb, workerScratchMb, handlerConcurrency, handlerQueue } = executor;

export const settings = {
  handlerFunction: setting({
    variable: 'HANDLER_FUNCTION',
    schema: text.string(),
    optional: true,
    description:
      'The handler: a dotted path such as `function.handler.handle`, of a module below the working directory (JavaScript, TypeScript) or of Python; or `file.ts#export`. Not set, or naming nothing: requests are answered 500.',
    remedy: 'a path such as function.handler.handle',
  }),
  host: setting({
    variable: 'MESH_SERVE_HOST',
    schema: text.string(),
    fallback: '127.0.0.1',
    description: 'Address to listen on. Other than loopback only with MESH_SERVE_OPEN set.',
    remedy: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
  }),
  port: setting({
    variable: 'MESH_SERVE_PORT',
    schema: text.port(),
    fallback: '8000',
    description: 'Port to listen on; 0 picks a free one.',
    remedy: 'a free port, or 0',
  }),
  open: setting({
    variable: 'MESH_SERVE_OPEN',
    schema: text.choice('yes', 'no'),
    fallback: 'no',
    description: '`yes` where whoever reaches that address may run the handler.',
    remedy: 'yes or no',
  }),
  timeoutMs: setting({
    variable: 'MESH_SERVE_TIMEOUT',
    schema: text.integer(1, 900_000),
    fallback: '30000',
    description: 'Milliseconds that the handler may take for one request; then 504.',
    remedy: 'a whole number of milliseconds up to 900000, such as 30000',
  }),
  isolation,
  graceMs,
  workerMemoryMb,
  workerScratchMb,
  handlerConcurrency,
  handlerQueue,
};

export type ServeConfig = Config<typeof settings>;

/** @throws ConfigError where others could reach a handler that nobody guards */
export function checkHost({ host, open }: Pick<ServeConfig, 'host' | 'open'>): void {
  if (isLoopback(host) || open === 'yes') return;
  throw new ConfigError('serve', [
    `MESH_SERVE_HOST is ${JSON.stringify(host)}, which others reach, and nothing guards the handler. Remedy: set MESH_SERVE_OPEN to yes where that is meant.`,
  ]);
}
