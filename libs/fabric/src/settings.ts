import { setting, text } from '#contracts';

/** How a service reaches NATS; the same variables for every service. */
export const natsSettings = {
  natsUrl: setting({
    variable: 'MESH_NATS_URL',
    schema: text.url('nats:', 'tls:'),
    fallback: 'nats://127.0.0.1:4222',
    description: 'Where nats-server listens. Credentials inside the URL are not used.',
    remedy: 'a URL such as nats://127.0.0.1:4222',
  }),
  natsUser: setting({
    variable: 'MESH_NATS_USER',
    schema: text.string(),
    optional: true,
    description: 'User name at the NATS server.',
    remedy: 'the name of a user in the server configuration',
  }),
  natsPassword: setting({
    variable: 'MESH_NATS_PASSWORD',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Password of that user.',
    remedy: "the user's password",
  }),
  natsCredentials: setting({
    variable: 'MESH_NATS_CREDS',
    schema: text.string(),
    optional: true,
    description: 'File with NATS credentials (JWT and seed), instead of user and password.',
    remedy: 'the path of a .creds file',
  }),
};
