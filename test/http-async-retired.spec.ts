import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  CALLBACKS_STREAM,
  type ControlPath,
  callbackSubject,
  encodeWaiting,
  encodeWork,
  mintMeshId,
  RESULTS_BUCKET,
} from '#contracts';
import { createWorkPublisher, openKeep } from '#fabric';
import { type NatsServer, type PostgresServer, startNats, startPostgres } from '#servers';
import { plainClient } from './fixtures/fabric.js';
import { closeAll as closeFixtures } from './fixtures/later.js';
import { ingress } from './fixtures/mesh.js';
import { until } from './fixtures/until.js';
import { connectionOf } from './ingress.fixture.js';
import { closeAll, registry } from './registry.fixture.js';

/* A handler is retired while asynchronous calls wait for it: their callers are told, not left waiting. */

let nats: NatsServer;
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
  nats = await startNats();
});
afterEach(async () => {
  await closeAll();
  await closeFixtures();
  await nats.stop();
  await postgres.stop();
});

const PATH = 'no/longer' as ControlPath;
const NOTHING = new Uint8Array(0);
const KEEP_MS = 60_000;

describe('an asynchronous call whose handler is gone', () => {
  it('ends as 404, for its state and its callback', async () => {
    const running = await registry({ database: await postgres.createDatabase('retired'), nats });
    await running.joined;
    const connection = await connectionOf(nats, 'ingress');
    const keep = openKeep(connection, RESULTS_BUCKET);
    const work = createWorkPublisher(connection);
    const acceptedAt = Date.now();
    const accept = async (callback?: string) => {
      const id = mintMeshId();
      const call = { path: PATH, acceptedAt, keepMs: KEEP_MS, expires: acceptedAt + KEEP_MS };
      await keep.put(id, encodeWaiting(call), NOTHING);
      const event = { id, acceptedAt, meta: { source: 'http' as const }, keep: true };
      await work.publish(PATH, encodeWork(PATH, { ...event, ...(callback && { callback }) }), NOTHING);
      return id;
    };
    const ids = [await accept(), await accept('https://hooks.example.org/a b')];

    const { url } = await ingress({ nats } as never);
    for (const id of ids) {
      const view = await until(async () => {
        const state = (await (await fetch(`${url}/invocations/${id}`)).json()) as { status: string };
        return state.status === 'done' && state;
      });
      expect(view).toMatchObject({
        path: PATH,
        attempts: 0,
        result: { outcome: 'no-route', status: 404, encoding: 'json', body: { code: 'no-route' } },
      });
    }
    const client = await plainClient(nats, 'registry');
    const manager = await jetstreamManager(client);
    const { state } = await manager.streams.info(CALLBACKS_STREAM);
    expect(state.messages).toBe(1);
    const sent = await manager.streams.getMessage(CALLBACKS_STREAM, {
      last_by_subj: callbackSubject(ids[1] as string),
    });
    expect(sent?.header.get('mesh-status')).toBe('404');
    expect(sent?.header.get('mesh-callback')).toBe('https://hooks.example.org/a%20b');
  }, 40_000);
});
