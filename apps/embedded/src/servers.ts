import { join } from 'node:path';
import { logger } from '#lifecycle';
import {
  type AwsServer,
  expectFree,
  type NatsServer,
  type PostgresServer,
  startAws,
  startNats,
  startPostgres,
} from '#servers';
import type { EmbeddedConfig } from './config.js';
import { say, step } from './progress.js';

/** The real servers under an embedded mesh. */
export interface Servers {
  readonly nats: NatsServer;
  readonly postgres: PostgresServer;
  readonly aws: AwsServer;
  stop(): Promise<void>;
}

/** Starts them side by side. When one fails, those that did start are stopped. */
export async function startServers(config: EmbeddedConfig): Promise<Servers> {
  // Before minutes of work may end in a port that is taken.
  await expectFree('the HTTP ingress', { port: config.httpPort, variable: 'MESH_HTTP_PORT' });
  await expectFree('the registry', { port: config.registryPort, variable: 'MESH_REGISTRY_PORT' });
  const starting = [startNatsServer(config), startPostgresServer(config), startAwsServer(config)] as const;
  const started = await Promise.allSettled(starting);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await Promise.all(
      started.flatMap((result) => (result.status === 'fulfilled' ? [result.value.stop()] : [])),
    );
    throw failed.reason;
  }
  const [nats, postgres, aws] = await Promise.all(starting);
  let stopping = false;
  const watched = { 'nats-server': nats, Postgres: postgres, 'the SQS and S3 emulator': aws };
  for (const [name, server] of Object.entries(watched))
    void server.exited.then(() => {
      if (!stopping)
        logger('embedded').error(`${name} ended unexpectedly. Start the mesh again. ${server.log()}`);
    });
  return {
    nats,
    postgres,
    aws,
    stop: async () => {
      stopping = true;
      await Promise.all([aws.stop(), nats.stop(), postgres.stop()]);
    },
  };
}

const startNatsServer = ({ dataDir, natsPort, mqttPort }: EmbeddedConfig) =>
  step(
    'nats-server',
    () =>
      startNats({
        dataDir: join(dataDir, 'nats'),
        port: natsPort,
        portVariable: 'MESH_NATS_PORT',
        mqttPort,
        mqttPortVariable: 'MESH_MQTT_PORT',
      }),
    ({ url, mqttUrl }) => `${url}  ${mqttUrl}`,
  );

const startPostgresServer = ({ dataDir }: EmbeddedConfig) =>
  step(
    'Postgres',
    () =>
      startPostgres({
        dataDir: join(dataDir, 'postgres'),
        onProgress: (what) => say(`  … Postgres: ${what}`),
      }),
    ({ port }) => `127.0.0.1:${port}`,
  );

const startAwsServer = ({ dataDir, awsPort }: EmbeddedConfig) =>
  step(
    'SQS and S3',
    () => startAws({ dataDir: join(dataDir, 'aws'), port: awsPort, portVariable: 'MESH_AWS_PORT' }),
    ({ endpoint }) => endpoint,
  );
