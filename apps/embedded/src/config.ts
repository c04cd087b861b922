import { type Config, setting, text } from '#contracts';

const port = (variable: string, fallback: string, what: string) =>
  setting({
    variable,
    schema: text.port(),
    fallback,
    description: `Port of ${what}; 0 picks a free one.`,
    remedy: 'a free port, or 0',
  });

export const settings = {
  httpPort: port('MESH_HTTP_PORT', '8080', 'the HTTP ingress'),
  registryPort: port('MESH_REGISTRY_PORT', '8081', "the registry's API"),
  natsPort: port('MESH_NATS_PORT', '4222', 'nats-server'),
  mqttPort: port('MESH_MQTT_PORT', '1883', "nats-server's MQTT listener"),
  awsPort: port('MESH_AWS_PORT', '4566', 'the SQS and S3 emulator'),
  dataDir: setting({
    variable: 'MESH_DATA_DIR',
    schema: text.string(),
    fallback: '.mesh',
    description: 'Folder for everything that the embedded mesh keeps, and for `mesh.json`.',
    remedy: 'a folder that this user may write',
  }),
  isolation: setting({
    variable: 'MESH_ISOLATION',
    schema: text.choice('thread', 'inline', 'process'),
    fallback: 'thread',
    description: 'Where handlers run: `thread`, `inline` or `process`; as for the executor.',
    remedy: 'thread, inline or process',
  }),
  handlerEnvironment: setting({
    variable: 'MESH_HANDLER_ENV',
    schema: text.list(),
    fallback: ',',
    description:
      'Names of environment variables that are offered to handlers, beside DATABASE_URL of the examples.',
    remedy: 'names such as SMTP_URL; never MESH_*',
  }),
  corsOrigins: setting({
    variable: 'MESH_HTTP_CORS_ORIGINS',
    schema: text.string(),
    optional: true,
    description: 'As for the HTTP ingress.',
    remedy: 'origins such as https://app.example.org, or *',
  }),
  importSources: setting({
    variable: 'MESH_IMPORT_SOURCES',
    schema: text.string(),
    optional: true,
    description: 'As for the registry; S3 is the emulator that the embedded mesh runs.',
    remedy: 's3://bucket/prefix,file:///var/spool/handlers',
  }),
  importSeconds: setting({
    variable: 'MESH_IMPORT_SECONDS',
    schema: text.string(),
    optional: true,
    description: 'As for the registry.',
    remedy: 'a whole number from 1 to 86400',
  }),
  adminToken: setting({
    variable: 'MESH_ADMIN_TOKEN',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Admin token of the registry. Not set: made at each start and written to `mesh.json`.',
    remedy: 'a random text, such as the output of: openssl rand -hex 32',
  }),
};

export type EmbeddedConfig = Config<typeof settings>;
