import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';

export const settings = {
  ...natsSettings,
  host: setting({
    variable: 'MESH_HTTP_HOST',
    schema: text.string(),
    fallback: '127.0.0.1',
    description: 'Address to listen on. Other than loopback only with MESH_HTTP_TOKEN or MESH_HTTP_OPEN set.',
    remedy: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
  }),
  port: setting({
    variable: 'MESH_HTTP_PORT',
    schema: text.port(),
    fallback: '8080',
    description: 'Port of the HTTP ingress; 0 picks a free one.',
    remedy: 'a free port, or 0',
  }),
  token: setting({
    variable: 'MESH_HTTP_TOKEN',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'The token that every call must bring in `Authorization: Bearer`. Unset: none is asked for.',
    remedy: 'a random text, such as the output of: openssl rand -hex 32',
  }),
  open: setting({
    variable: 'MESH_HTTP_OPEN',
    schema: text.choice('yes', 'no'),
    fallback: 'no',
    description:
      '`yes` where handlers, or a proxy in front, check who calls: then others than loopback may be listened on without a token.',
    remedy: 'yes or no',
  }),
  corsOrigins: setting({
    variable: 'MESH_HTTP_CORS_ORIGINS',
    schema: text.list(),
    fallback: ',',
    description:
      'Origins whose pages may call handlers, separated by commas, or `*`. Unset: no CORS header is sent.',
    remedy: 'origins such as https://app.example.org, or *',
  }),
};

export type IngressHttpConfig = Config<typeof settings>;
