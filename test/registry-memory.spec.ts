import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { connect as natsClient } from '@nats-io/transport-node';
import { AUDIT_INVOCATIONS } from '#contracts';
import { connect } from '#fabric';
import { startNats } from '#servers';
import type { Catalogue } from '../apps/registry/src/catalogue/catalogue.js';
import { InvocationIntake } from '../apps/registry/src/invocations/invocation-intake.js';
import { closeAll, later, until } from './fixtures/later.js';

/* What the registry has done with it lets go of: it runs for months. */

const BATCHES = 60;
const BYTES = 900_000;
const SILENT = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
/** Of what passes through, at most so much may be left. */
const LEFT_SHARE = 0.4;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

afterEach(closeAll);

it('batches of records that it took out of the stream', async () => {
  const nats = await startNats({ open: true });
  later(() => nats.stop());
  const connection = await connect({ natsUrl: nats.url, name: 'test' });
  later(() => connection.close());
  // Nobody can read them, so that no database is asked; they are taken and let go like others.
  const intake = new InvocationIntake({ reachable: true } as Catalogue, () => 0, SILENT);
  await intake.follow(connection);
  later(() => intake.stop());
  const client = await natsClient({ servers: nats.url });
  later(() => client.close());
  const batch = 'x'.repeat(BYTES);
  const send = async (count: number) => {
    const before = intake.refused;
    for (let i = 0; i < count; i++) {
      await jetstream(client).publish(AUDIT_INVOCATIONS, batch);
      // One by one: it waits anew for each.
      await until(
        () => intake.refused,
        (refused) => refused === before + i + 1,
      );
    }
  };
  await send(5);
  const before = heapBytes();
  await send(BATCHES);
  expect(heapBytes() - before).toBeLessThan(BATCHES * BYTES * LEFT_SHARE);
}, 60_000);
