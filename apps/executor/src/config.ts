import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';

export const settings = {
  ...natsSettings,
  handlers: setting({
    variable: 'MESH_HANDLERS',
    schema: text.list(),
    fallback: '**',
    description: 'Patterns of the control paths that this executor runs, separated by commas.',
    remedy: 'patterns such as users/**,orders/total',
  }),
  isolation: setting({
    variable: 'MESH_ISOLATION',
    schema: text.choice('thread', 'inline'),
    fallback: 'thread',
    description:
      'Where handlers run: `thread`, a worker thread for each version; `inline`, in the executor itself (for handlers that are trusted not to block).',
    remedy: 'thread or inline',
  }),
  maxWorkers: setting({
    variable: 'MESH_MAX_WORKERS',
    schema: text.integer(1, 10_000),
    fallback: '64',
    description: 'Workers at once; beyond, the one that has been idle longest is let go.',
    remedy: 'a whole number from 1 to 10000',
  }),
  artifactsUrl: setting({
    variable: 'MESH_ARTIFACTS_URL',
    schema: text.url('file:'),
    description: 'Where the artifacts lie that the registry stored.',
    remedy: 'a folder as URL, such as file:///var/lib/lambda-mesh/artifacts',
  }),
  handlerEnvironment: setting({
    variable: 'MESH_HANDLER_ENV',
    schema: text.list(),
    fallback: ',',
    description:
      'Names of environment variables that are offered to handlers, separated by commas. A handler sees those that its manifest lists.',
    remedy: 'names such as DATABASE_URL,SMTP_URL; never MESH_*',
  }),
  healthHost: setting({
    variable: 'MESH_HEALTH_HOST',
    schema: text.string(),
    fallback: '127.0.0.1',
    description: 'Address for `/health`, `/health/ready` and `/metrics`.',
    remedy: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
  }),
  healthPort: setting({
    variable: 'MESH_HEALTH_PORT',
    schema: text.port(),
    fallback: '8082',
    description: 'Port for `/health`, `/health/ready` and `/metrics`; 0 picks a free one.',
    remedy: 'a free port, or 0',
  }),
};

export type ExecutorConfig = Config<typeof settings>;
