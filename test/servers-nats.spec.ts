import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import mqtt from 'mqtt';
import { type NatsOptions, type NatsServer, startNats } from '#servers';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function nats(options?: NatsOptions): Promise<NatsServer> {
  const server = await startNats(options);
  closers.push(() => server.stop());
  return server;
}

/** As libs/fabric connects: a service with its own inbox prefix, or an anonymous caller. */
async function client(server: NatsServer, user?: keyof NatsServer['users']): Promise<NatsConnection> {
  const login = user ? { user, pass: server.users[user].password, inboxPrefix: `_INBOX.${user}` } : {};
  const connection = await connect({ servers: server.url, reconnect: false, ...login });
  closers.push(() => connection.close());
  return connection;
}

/** What the server refused this client, as soon as it says so. */
async function refusal(connection: NatsConnection): Promise<string> {
  for await (const status of connection.status()) {
    if (status.type === 'error') return status.error.message;
  }
  return 'closed';
}

describe('nats-server', () => {
  it('is ready when started, with JetStream, and gone when stopped', async () => {
    const server = await nats();
    const connection = await client(server, 'registry');
    const account = await (await jetstreamManager(connection)).getAccountInfo();
    expect(account.streams).toBe(0);
    expect(connection.info?.max_payload).toBe(8 * 1024 * 1024);
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
  });

  it('names the port that is taken and the variable to change', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(startNats({ port, portVariable: 'MESH_NATS_PORT' })).rejects.toThrow(
      `Port ${port} on 127.0.0.1, wanted for nats, is already taken. Remedy: set MESH_NATS_PORT to a free port (0 picks one).`,
    );
    other.close();
  });
});

describe('permissions', () => {
  it('let an executor answer an anonymous caller, who may call and nothing else', async () => {
    const server = await nats();
    const executor = await client(server, 'executor');
    executor.subscribe('mesh.call.users.find', { callback: (_, message) => void message.respond('found') });
    await executor.flush();
    const caller = await client(server);
    expect((await caller.request('mesh.call.users.find')).string()).toBe('found');

    for (const subject of [
      'mesh.work.users.find',
      '$KV.mesh_routes.users.find',
      '$JS.API.INFO',
      'mesh.log.x',
    ]) {
      const refused = refusal(caller);
      caller.publish(subject);
      expect(await refused).toContain(`Permissions Violation for Publish to "${subject}"`);
    }
    for (const subject of ['mesh.>', '>', '_INBOX.registry.>']) {
      const refused = refusal(caller);
      caller.subscribe(subject);
      expect(await refused).toContain(`Permissions Violation for Subscription to "${subject}"`);
    }
  });

  it('keep the inboxes of services from a caller who listens to all inboxes', async () => {
    const server = await nats();
    const [ingress, executor, caller] = [
      await client(server, 'ingress'),
      await client(server, 'executor'),
      await client(server),
    ];
    executor.subscribe('mesh.call.a', { callback: (_, message) => void message.respond('secret') });
    const heard: string[] = [];
    caller.subscribe('_INBOX.>', { callback: (_, message) => void heard.push(message.string()) });
    await Promise.all([executor.flush(), caller.flush()]);
    expect((await ingress.request('mesh.call.a')).string()).toBe('secret');
    expect((await caller.request('mesh.call.a')).string()).toBe('secret');
    // The caller's own answer came after the service's: had it heard that one, there would be two.
    expect(heard).toEqual(['secret']);
  });

  it('let the registry write routes and the others follow them', async () => {
    const server = await nats();
    const routes = await new Kvm(await client(server, 'registry')).create('mesh_routes');
    await routes.put('users.find', 'one');
    for (const user of ['ingress', 'executor'] as const) {
      const connection = await client(server, user);
      const copy = await new Kvm(connection).open('mesh_routes');
      expect((await copy.get('users.find'))?.string()).toBe('one');
      const watch = await copy.watch();
      const first = await watch[Symbol.asyncIterator]().next();
      expect(first.value?.string()).toBe('one');
      const refused = refusal(connection);
      connection.publish('$KV.mesh_routes.users.find', 'mine');
      expect(await refused).toContain('Permissions Violation');
    }
  });

  it('let services ask the registry, which answers', async () => {
    const server = await nats();
    const registry = await client(server, 'registry');
    registry.subscribe('mesh.registry.describe', { callback: (_, message) => void message.respond('{}') });
    await registry.flush();
    for (const user of ['ingress', 'executor'] as const) {
      expect((await (await client(server, user)).request('mesh.registry.describe')).string()).toBe('{}');
    }
  });

  it('keep MQTT devices out of the mesh and out of JetStream', async () => {
    const server = await nats({ mqttPort: 0 });
    const bridge = await mqtt.connectAsync(server.mqttUrl as string, {
      username: 'bridge',
      password: server.users.bridge.password,
    });
    const device = await mqtt.connectAsync(server.mqttUrl as string);
    closers.push(
      () => bridge.endAsync(),
      () => device.endAsync(),
    );
    await bridge.subscribeAsync('users/find', { qos: 1 });
    for (const qos of [0, 1, 2] as const) {
      const arrived = new Promise<string>((resolve) =>
        bridge.once('message', (_, body) => resolve(String(body))),
      );
      await device.publishAsync('users/find', `hello ${qos}`, { qos });
      expect(await arrived).toBe(`hello ${qos}`);
    }

    const executor = await client(server, 'executor');
    const calls: string[] = [];
    executor.subscribe('mesh.call.>', { callback: (_, message) => void calls.push(message.subject) });
    await executor.flush();
    await device.publishAsync('mesh/call/a', 'x', { qos: 1 });
    const caller = await client(server);
    caller.publish('mesh.call.b');
    await caller.flush();
    await executor.flush();
    expect(calls).toEqual(['mesh.call.b']);
    for (const topic of ['$JS/API/STREAM/LIST', '$MQTT/msgs/users/find']) {
      await expect(device.subscribeAsync(topic)).rejects.toThrow();
    }
  });

  it('do not exist on an open server', async () => {
    const connection = await client(await nats({ open: true }));
    await jetstreamManager(connection);
    connection.subscribe('>');
    await connection.flush();
    expect(connection.isClosed()).toBe(false);
  });
});
