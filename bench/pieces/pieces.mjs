import { jetstream } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { connect as natsClient } from '@nats-io/transport-node';
import { encodeResult } from '#contracts';
import { connect, createCallIntake, createInvoker } from '#fabric';
import { startNats } from '#servers';
import { cpuMicroseconds } from '../measure/cpu.mjs';

/*
 * `node bench/pieces/pieces.mjs [MB] [rounds]`: a large answer through pieces over core NATS, beside the same bytes through
 * a JetStream object store (put, then get), in memory and on file. Both ends are in this process. For ADR 53.
 */

const megabytes = Number(process.argv[2] ?? 100);
const rounds = Number(process.argv[3] ?? 5);
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = (megabytes * 1024 * 1024) / CHUNK.length;
const OK = encodeResult({ id: '0190d0c0-0000-7000-8000-000000000001', outcome: 'ok', status: 200 });
const EVENT = { id: '0190d0c0-0000-7000-8000-000000000001', meta: { source: 'http' }, timeout: 900_000 };

async function* content() {
  for (let i = 0; i < CHUNKS; i++) yield CHUNK;
}

async function byPieces(nats) {
  const link = () => connect({ name: 'bench', natsUrl: nats.url });
  const [callee, caller] = [await link(), await link()];
  createCallIntake(callee).serve('files/read', (call) => void call.replyStream(OK, content()));
  await callee.flush();
  const invoker = createInvoker(caller, { takesStreams: true });
  return {
    async move(tellFirst) {
      const { rest } = await invoker.invoke('files/read', EVENT, new Uint8Array(0));
      let size = 0;
      for await (const piece of rest) {
        if (size === 0) tellFirst();
        size += piece.length;
      }
      return size;
    },
    async close() {
      await caller.close();
      await callee.close();
    },
  };
}

async function byObjectStore(nats, storage) {
  const client = await natsClient({ servers: nats.url });
  const store = await new Objm(jetstream(client)).create(`bench_${storage}`, {
    storage,
    max_bytes: 1024 ** 3,
  });
  return {
    async move(tellFirst) {
      await store.put(
        { name: 'one', options: { max_chunk_size: CHUNK.length } },
        ReadableStream.from(content()),
      );
      const { data } = await store.get('one');
      let size = 0;
      for await (const piece of data) {
        if (size === 0) tellFirst();
        size += piece.length;
      }
      await store.delete('one');
      return size;
    },
    close: () => client.close(),
  };
}

async function measure(way, nats) {
  const before = [cpuMicroseconds(process.pid), cpuMicroseconds(nats.pid)];
  const started = performance.now();
  let first = 0;
  const size = await way.move(() => {
    first = performance.now() - started;
  });
  const ms = performance.now() - started;
  const [own, server] = [cpuMicroseconds(process.pid) - before[0], cpuMicroseconds(nats.pid) - before[1]];
  return {
    'MB/s': size / 1048.576 / ms,
    'first byte ms': first,
    'own cpu ms': own / 1000,
    'server cpu ms': server / 1000,
  };
}

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const nats = await startNats({ open: true });
const ways = {
  pieces: await byPieces(nats),
  'object store, memory': await byObjectStore(nats, 'memory'),
  'object store, file': await byObjectStore(nats, 'file'),
};
const results = {};
for (let round = -1; round < rounds; round++)
  for (const [name, way] of Object.entries(ways)) {
    const result = await measure(way, nats);
    if (round >= 0) results[name] = [...(results[name] ?? []), result];
  }
console.table(
  Object.fromEntries(
    Object.entries(results).map(([name, all]) => [
      name,
      Object.fromEntries(
        Object.keys(all[0]).map((key) => [key, Number(middle(all.map((one) => one[key])).toFixed(1))]),
      ),
    ]),
  ),
);
for (const way of Object.values(ways)) await way.close();
await nats.stop();
