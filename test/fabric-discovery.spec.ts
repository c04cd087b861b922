import { afterEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { type DiscoveredService, type Endpoint, serveDiscovery } from '#fabric';
import { meshConnection, natsServer, plainClient } from './fixtures/fabric.js';
import { closeAll } from './fixtures/later.js';

afterEach(closeAll);

const IDENTITY = { name: 'mesh-executor', id: '0190d0c0-0000-7000-8000-000000000001', version: '1.0.0' };
const FIND: Endpoint = {
  name: 'users_find',
  subject: 'mesh.call.users.find',
  metadata: { path: 'users/find', version: '1.2.0' },
  stats: { requests: 3, errors: 1, lastError: 'handler-error', processingTime: 3_000_001.4 },
};

/** An executor's word on itself, and a client that knows nothing of the mesh. */
async function world(endpoints: () => Iterable<Endpoint>): Promise<NatsConnection> {
  const server = await natsServer();
  const connection = await meshConnection(server.port);
  const service: DiscoveredService = {
    ...IDENTITY,
    description: 'Runs handlers.',
    started: '2025-11-21T00:00:00.000Z',
    endpoints,
  };
  serveDiscovery(connection, service);
  await connection.flush();
  return plainClient(server);
}

const ask = async (client: NatsConnection, subject: string): Promise<Record<string, unknown>> =>
  (await client.request(subject, '', { timeout: 5_000 })).json();

// ADR-32: "Discovery and Status", each verb for all, by name, and by name and id.
const SUBJECTS = ['', '.mesh-executor', `.mesh-executor.${IDENTITY.id}`];

describe('discovery (ADR-32)', () => {
  it.each(SUBJECTS)('$SRV.PING%s', async (suffix) => {
    const client = await world(() => [FIND]);
    expect(await ask(client, `$SRV.PING${suffix}`)).toEqual({
      type: 'io.nats.micro.v1.ping_response',
      ...IDENTITY,
      metadata: {},
    });
  });

  it.each(SUBJECTS)('$SRV.INFO%s', async (suffix) => {
    const client = await world(() => [FIND]);
    expect(await ask(client, `$SRV.INFO${suffix}`)).toEqual({
      type: 'io.nats.micro.v1.info_response',
      ...IDENTITY,
      description: 'Runs handlers.',
      metadata: {},
      endpoints: [
        {
          name: 'users_find',
          subject: 'mesh.call.users.find',
          queue_group: 'executor',
          metadata: { path: 'users/find', version: '1.2.0' },
        },
      ],
    });
  });

  it.each(SUBJECTS)('$SRV.STATS%s', async (suffix) => {
    const client = await world(() => [FIND]);
    expect(await ask(client, `$SRV.STATS${suffix}`)).toEqual({
      type: 'io.nats.micro.v1.stats_response',
      ...IDENTITY,
      metadata: {},
      started: '2025-11-21T00:00:00.000Z',
      endpoints: [
        {
          name: 'users_find',
          subject: 'mesh.call.users.find',
          queue_group: 'executor',
          num_requests: 3,
          num_errors: 1,
          last_error: 'handler-error',
          processing_time: 3_000_001,
          average_processing_time: 1_000_000,
        },
      ],
    });
  });

  it('divides by no requests to 0, and asks anew each time', async () => {
    let endpoints: Endpoint[] = [];
    const client = await world(() => endpoints);
    expect((await ask(client, '$SRV.STATS')).endpoints).toEqual([]);
    endpoints = [{ ...FIND, stats: { requests: 0, errors: 0, lastError: '', processingTime: 0 } }];
    expect((await ask(client, '$SRV.STATS')).endpoints).toMatchObject([
      { num_requests: 0, average_processing_time: 0 },
    ]);
  });

  it('tells of 5,000 handlers at the most, and how many it left out', async () => {
    const many = Array.from({ length: 5_003 }, (_, i) => ({ ...FIND, name: `users_u${i}` }));
    const client = await world(() => many);
    const info = (await ask(client, '$SRV.INFO')) as { endpoints: unknown[]; metadata: object };
    expect(info.endpoints).toHaveLength(5_000);
    expect(info.metadata).toEqual({ 'endpoints-left-out': '3' });
  });

  it('is silent after its end', async () => {
    const server = await natsServer();
    const connection = await meshConnection(server.port);
    const discovery = serveDiscovery(connection, {
      ...IDENTITY,
      description: '',
      started: '',
      endpoints: () => [],
    });
    await connection.flush();
    await discovery.stop();
    const client = await plainClient(server);
    await expect(client.request('$SRV.PING')).rejects.toThrow(/no responders/i);
  });
});
