import { natsConfig } from './nats-config.js';

const HEADER = `# Made by tools/nats-conf.mjs from libs/servers/src/nats-permissions.ts; a test compares. Each password is a variable of
# the environment, in quotes there.
`;

/** docker/nats.conf: as everywhere, but durable, with passwords from the environment, for the containers' network. */
export function composeNatsConfig(): string {
  const text = natsConfig({
    serverName: 'mesh',
    host: '0.0.0.0',
    port: 4222,
    httpPort: 8222,
    mqttPort: 1883,
    storeFolder: '/data',
    syncAlways: true,
    passwords: {
      registry: '$MESH_NATS_REGISTRY_PASSWORD',
      executor: '$MESH_NATS_EXECUTOR_PASSWORD',
      ingress: '$MESH_NATS_INGRESS_PASSWORD',
      operator: '$MESH_NATS_OPERATOR_PASSWORD',
      bridge: '$MESH_NATS_BRIDGE_PASSWORD',
    },
  });
  return HEADER + text;
}
