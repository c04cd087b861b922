import { type Config, ConfigError, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { isTarget } from './callback/allowed-targets.js';
import { areCredentials, readCredentials } from './lambda/credentials.js';

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
  keepAlive: setting({
    variable: 'MESH_HTTP_KEEP_ALIVE',
    schema: text.integer(1, 3_600),
    fallback: '75',
    description:
      'How long an idle connection stays open, seconds. Longer than what is in front of the ingress keeps its own (load balancers: mostly 60): else it sends requests into connections that are just being closed.',
    remedy: 'a whole number of seconds up to 3600, such as 75',
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
  lambdaCredentials: setting({
    variable: 'MESH_LAMBDA_CREDENTIALS',
    schema: text.list().refine(areCredentials, 'not a list of key:secret').transform(readCredentials),
    optional: true,
    secret: true,
    description:
      "Access keys for Lambda's API, as `accessKeyId:secretAccessKey`, separated by commas: each request must be signed with one (Signature Version 4). Unset: signatures are not looked at, the API asks for MESH_HTTP_TOKEN where that is set, and is closed on other addresses than loopback.",
    remedy: 'pairs such as AKIAMESH:secret, the secret from: openssl rand -hex 32',
  }),
  corsOrigins: setting({
    variable: 'MESH_HTTP_CORS_ORIGINS',
    schema: text.list(),
    fallback: ',',
    description:
      'Origins whose pages may call handlers, separated by commas, or `*`. Unset: no CORS header is sent.',
    remedy: 'origins such as https://app.example.org, or *',
  }),
  maxBody: setting({
    variable: 'MESH_MAX_BODY',
    schema: text.integer(0, 1_000_000_000_000),
    optional: true,
    description:
      'Largest body of a request, in bytes. Unset: what fits one message. Larger ones are only for handlers that take bodies as they come (`body: stream`), or state a larger `limits.payloadBytes`.',
    remedy: 'a whole number of bytes, such as 104857600',
  }),
  resultsTtl: setting({
    variable: 'MESH_RESULTS_TTL',
    schema: text.integer(1, 30 * 86_400),
    fallback: '86400',
    description:
      'How long state and result of an asynchronous call are kept, seconds; and for how long an idempotency key counts.',
    remedy: 'a whole number of seconds up to 2592000, such as 86400',
  }),
  dropHeaders: setting({
    variable: 'MESH_WORK_DROP_HEADERS',
    schema: text.list().transform((names) => names.map((name) => name.toLowerCase())),
    fallback: ',',
    description:
      'Headers, separated by commas, that asynchronous calls never carry, beside `authorization`, `cookie` and `proxy-authorization`; a handler gets those that its manifest asks for.',
    remedy: 'header names such as x-api-key',
  }),
  callbackAllow: setting({
    variable: 'MESH_CALLBACK_ALLOW',
    schema: text.list().refine((entries) => entries.every(isTarget), 'not a list of hosts and networks'),
    fallback: ',',
    description:
      'Where results may be sent by `mesh-callback`: hosts (`hooks.example.org`, `*.example.org`, `*`) and networks (`10.1.0.0/16`), separated by commas. Private addresses only where a network here holds them. Unset: no callbacks.',
    remedy: 'hosts and networks such as hooks.example.org,10.1.0.0/16',
  }),
  callbackSecret: setting({
    variable: 'MESH_CALLBACK_SECRET',
    schema: text.string(),
    optional: true,
    secret: true,
    description:
      'Signs every callback (HMAC-SHA-256, header `mesh-signature`); required where callbacks are allowed.',
    remedy: 'a random text, such as the output of: openssl rand -hex 32',
  }),
};

export type IngressHttpConfig = Config<typeof settings>;

/** @throws ConfigError when results would be sent without a signature */
export function refuseUnsigned({ callbackAllow, callbackSecret }: IngressHttpConfig): void {
  if (callbackAllow.length === 0 || callbackSecret !== undefined) return;
  throw new ConfigError('ingress-http', [
    `MESH_CALLBACK_ALLOW is set, and MESH_CALLBACK_SECRET is not: nobody could tell a callback from a forgery. Remedy: set MESH_CALLBACK_SECRET to ${settings.callbackSecret.remedy}.`,
  ]);
}
