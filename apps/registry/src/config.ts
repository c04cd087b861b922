import { z } from 'zod';
import { artifactSettings } from '#artifacts';
import { type Config, ConfigError, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { isLoopback } from '#lifecycle';
import { importLocations } from './imports/import-source-list.js';
import { workSettings } from './work/settings.js';

const environmentNames = text
  .list()
  .refine(
    (names) => names.every((n) => /^(?!MESH_)[A-Z][A-Z0-9_]*$/.test(n)),
    'holds a name that is not allowed',
  );

export const registrySettings = {
  ...natsSettings,
  ...artifactSettings,
  databaseUrl: setting({
    variable: 'MESH_DATABASE_URL',
    schema: text.url('postgresql:', 'postgres:'),
    secret: true,
    description:
      'The Postgres database that holds the catalogue. The registry makes and migrates its tables.',
    remedy: 'a URL such as postgresql://user:password@127.0.0.1:5432/mesh',
  }),
  host: setting({
    variable: 'MESH_REGISTRY_HOST',
    schema: text.string(),
    fallback: '127.0.0.1',
    description: 'Address to listen on. Other than loopback only with MESH_ADMIN_TOKEN set.',
    remedy: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
  }),
  port: setting({
    variable: 'MESH_REGISTRY_PORT',
    schema: text.port(),
    fallback: '8081',
    description: 'Port of the HTTP API; 0 picks a free one.',
    remedy: 'a number from 0 to 65535',
  }),
  adminToken: setting({
    variable: 'MESH_ADMIN_TOKEN',
    schema: z.string().regex(/^[\x21-\x7e]{1,256}$/, 'not visible ASCII without spaces'),
    optional: true,
    secret: true,
    description:
      'The token that the API wants in `Authorization: Bearer`. Not set: made at start and logged once.',
    remedy: 'a random text, such as the output of: openssl rand -hex 32',
  }),
  handlerEnvironment: setting({
    variable: 'MESH_HANDLER_ENV',
    schema: environmentNames,
    fallback: ',',
    description: 'Environment names, separated by commas, that manifests may ask for; never MESH_*.',
    remedy: 'a list such as DATABASE_URL,SMTP_HOST',
  }),
  importSources: setting({
    variable: 'MESH_IMPORT_SOURCES',
    schema: importLocations,
    fallback: ',',
    description:
      "Places, separated by commas, into which other pipelines drop artifacts: every `*.tgz` there is published. AWS's own variables say how S3 is reached.",
    remedy: 's3://bucket/prefix,file:///var/spool/handlers',
  }),
  importSeconds: setting({
    variable: 'MESH_IMPORT_SECONDS',
    schema: text.integer(1, 86_400),
    fallback: '30',
    description: 'How often those places are looked into, in seconds.',
    remedy: 'a whole number from 1 to 86400',
  }),
  invocationsRetentionDays: setting({
    variable: 'MESH_INVOCATIONS_RETENTION_DAYS',
    schema: text.integer(1, 3_650),
    fallback: '30',
    description: 'Days for which records of what ran are kept, beside the current one (UTC).',
    remedy: 'a whole number from 1 to 3650',
  }),
  maxArtifactBytes: setting({
    variable: 'MESH_MAX_ARTIFACT_BYTES',
    schema: text.integer(1_024, 1_073_741_824),
    fallback: '67108864',
    description: 'Largest artifact that may be published, in bytes, as it is sent (compressed).',
    remedy: 'a number from 1024 to 1073741824',
  }),
  ...workSettings,
};

export type RegistryConfig = Config<typeof registrySettings>;

/** @throws ConfigError when outsiders could guess at a token that only this machine's log knows */
export function refuseUnguarded({ host, adminToken }: RegistryConfig): void {
  if (isLoopback(host) || adminToken !== undefined) return;
  const fault = `MESH_ADMIN_TOKEN is not set, but MESH_REGISTRY_HOST is ${JSON.stringify(host)}, which others reach.`;
  throw new ConfigError('registry', [
    `${fault} Remedy: set MESH_ADMIN_TOKEN to ${registrySettings.adminToken.remedy}, or listen on 127.0.0.1`,
  ]);
}
