import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';

/** What the `mesh` command reads from the environment. Options of a command go before these, these before `mesh.json`. */
export const settings = {
  registryUrl: setting({
    variable: 'MESH_REGISTRY_URL',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'The registry that commands speak to. Not set: the one in `mesh.json` of an embedded mesh.',
    remedy: 'a URL such as https://registry.example.org',
  }),
  token: setting({
    variable: 'MESH_TOKEN',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Token for the registry, as `mesh token create` shows it.',
    remedy: 'a token of this registry',
  }),
  httpUrl: setting({
    variable: 'MESH_HTTP_URL',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'The HTTP ingress that `mesh invoke` calls. Not set: the one in `mesh.json`.',
    remedy: 'a URL such as https://mesh.example.org',
  }),
  dataDir: setting({
    variable: 'MESH_DATA_DIR',
    schema: text.string(),
    optional: true,
    description:
      'Folder of an embedded mesh, where its `mesh.json` is. Not set: `.mesh` in this folder or one above.',
    remedy: 'a folder such as .mesh',
  }),
  natsUser: natsSettings.natsUser,
  natsPassword: natsSettings.natsPassword,
  natsCredentials: natsSettings.natsCredentials,
  natsUrl: setting({
    variable: 'MESH_NATS_URL',
    schema: text.url('nats:', 'tls:'),
    optional: true,
    description:
      'The NATS server for `mesh logs` and `mesh invoke --via nats`. Not set: the one in `mesh.json`.',
    remedy: 'a URL such as nats://127.0.0.1:4222',
  }),
};

export type CliConfig = Config<typeof settings>;
