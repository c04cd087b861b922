import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type NatsConnection, connect as natsConnect } from '@nats-io/transport-node';
import { REGISTRY_DESCRIBE } from '#contracts';
import { clientOptions } from '#fabric';
import { RegistryRpc } from '#lifecycle';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { artifactOf, closeAll, get, later, publish, registry, until } from './registry.fixture.js';

/* The control RPC as the other services use it: with their own users, over the real server. */

let postgres: PostgresServer;
let nats: NatsServer;
let databases = 0;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
});
afterEach(closeAll);
afterAll(async () => {
  await Promise.all([postgres.stop(), nats.stop()]);
});

async function aRegistry() {
  const running = await registry({ database: await postgres.createDatabase(`rpc_${++databases}`), nats });
  await running.joined;
  return running;
}

function client(user: 'ingress' | 'executor'): RegistryRpc {
  const login = nats.users[user];
  const { user: natsUser, password: natsPassword } = login;
  const rpc = new RegistryRpc(clientOptions({ natsUrl: nats.url, natsUser, natsPassword, name: 'rpc-test' }));
  later(() => rpc.close());
  return rpc;
}

/** A client without Nest, with the rights of an ingress. */
async function plainClient(): Promise<NatsConnection> {
  const { user, password } = nats.users.ingress;
  const inboxPrefix = '_INBOX.ingress';
  const plain = await natsConnect({ servers: nats.url, user, pass: password, inboxPrefix });
  later(() => plain.close());
  return plain;
}

const find = { path: 'users/find', version: '0.0.1', description: 'Finds a user.', meta: { owner: 'crm' } };

describe('control RPC', () => {
  it('describes the live handlers', async () => {
    const base = await aRegistry();
    await publish(base, 'users/find', await artifactOf(find));
    const triggers = [{ http: { path: '/people' } }];
    await publish(base, 'people', await artifactOf({ path: 'people', version: '1.0.0', triggers }));
    expect(await client('ingress').describe()).toEqual([
      { path: 'people', version: '1.0.0', meta: {}, triggers },
      { ...find, triggers: [] },
    ]);
  });

  it('shows a degraded handler until the executor takes it back', async () => {
    const base = await aRegistry();
    await publish(base, 'users/find', await artifactOf(find));
    const executor = client('executor');
    const report = { executor: 'e1', path: find.path, version: find.version };
    await executor.report({ ...report, state: 'degraded', code: 'load-failed', detail: 'x is not defined' });
    await executor.report({ ...report, executor: 'e2', state: 'degraded', code: 'no-handler' });
    await executor.report({ ...report, executor: 'e2', state: 'ok' });
    expect((await get(base, '/v1/handlers/users%2Ffind')).body.degraded).toMatchObject([
      { version: '0.0.1', executor: 'e1', code: 'load-failed', detail: 'x is not defined' },
    ]);
    await publish(base, 'users/find', await artifactOf({ ...find, version: '0.0.2' }));
    expect((await get(base, '/v1/handlers/users%2Ffind')).body.degraded).toEqual([]);
  });

  it('refuses what it cannot read with a problem, and goes on', async () => {
    const base = await aRegistry();
    await publish(base, 'users/find', await artifactOf(find));
    const rpc = client('executor');
    const wrong = { executor: 'e1', path: 'users/find', version: '9.9.9', state: 'degraded' as const };
    await expect(rpc.report(wrong)).rejects.toMatchObject({ code: 'no-version' });
    await expect(rpc.report({ ...wrong, path: '../etc' })).rejects.toMatchObject({ code: 'bad-request' });
    const plain = await plainClient();
    for (const garbage of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"id":1}',
      '\0'.repeat(1000),
      '{"pattern":1,"data":2}',
    ])
      plain.publish(REGISTRY_DESCRIBE, garbage, { reply: '_INBOX.ingress.nobody' });
    await plain.flush();
    expect(await client('ingress').describe()).toHaveLength(1);
  });

  it('is answered by one of two', async () => {
    const database = await postgres.createDatabase(`rpc_${++databases}`);
    const both = await Promise.all([registry({ database, nats }), registry({ database, nats })]);
    await Promise.all(both.map((one) => one.joined));
    const plain = await plainClient();
    const answers: string[] = [];
    plain.subscribe('_INBOX.ingress.count.*', {
      callback: (_error, message) => void answers.push(message.string()),
    });
    for (let i = 0; i < 20; i++)
      plain.publish(REGISTRY_DESCRIBE, JSON.stringify({ id: String(i), data: {} }), {
        reply: `_INBOX.ingress.count.${i}`,
      });
    await plain.flush();
    // Once both have stopped in order, every answer that there will ever be is on its way.
    await Promise.all(both.map((one) => one.stop()));
    await plain.flush();
    expect(answers.filter((text) => 'response' in JSON.parse(text))).toHaveLength(20);
  });

  it('answers what it has taken before it stops, and shares the asking between two', async () => {
    const database = await postgres.createDatabase(`rpc_${++databases}`);
    const [one, two] = await Promise.all([registry({ database, nats }), registry({ database, nats })]);
    await Promise.all([one.joined, two.joined]);
    await publish(one, 'users/find', await artifactOf(find));
    const rpc = client('ingress');
    await rpc.describe();
    let asking = true;
    let answers = 0;
    const asker = async () => {
      while (asking) {
        expect(await rpc.describe()).toHaveLength(1);
        answers++;
      }
    };
    const askers = Array.from({ length: 8 }, asker);
    await until(
      async () => answers,
      (n) => n > 100,
    );
    await one.stop();
    const after = answers;
    await until(
      async () => answers,
      (n) => n > after + 100,
    );
    asking = false;
    await Promise.all(askers);
  });
});
