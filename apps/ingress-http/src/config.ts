import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';

export const settings = {
  ...natsSettings,
  host: setting({
    variable: 'MESH_HTTP_HOST',
    schema: text.string(),
    fallback: '127.0.0.1',
    description: 'Address that the HTTP ingress listens on. Handlers do their own authorization.',
    remedy: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
  }),
  port: setting({
    variable: 'MESH_HTTP_PORT',
    schema: text.port(),
    fallback: '8080',
    description: 'Port of the HTTP ingress; 0 picks a free one.',
    remedy: 'a free port, or 0',
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
