import { setting, text } from '#contracts';

/** Where a service that no client calls shows its health. */
export const healthSettings = (defaultPort: number) => ({
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
    fallback: String(defaultPort),
    description: 'Port for `/health`, `/health/ready` and `/metrics`; 0 picks a free one.',
    remedy: 'a free port, or 0',
  }),
});
