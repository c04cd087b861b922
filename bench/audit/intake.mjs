import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { connect, openAuditReader, openAuditWriter } from '#fabric';
import { COPY_INVOCATIONS, copyRows } from '../../dist/apps/registry/src/catalogue/invocations/copy-rows.js';
import { openCatalogue } from '../../dist/apps/registry/src/catalogue/open.js';
import { InvocationIntake } from '../../dist/apps/registry/src/invocations/invocation-intake.js';
import { BARE_COLUMNS, copyText, makeBatches, makeRecords } from './records.mjs';

/*
 * How fast the registry takes in what waits in the stream, beside COPY of the same rows by a client that has them ready.
 *
 *   registry  its own intake: stream AUDIT → decode → kinds → COPY into daily partitions with two indexes → ack
 *   copy      COPY of the same rows, ready in COPY's binary format, into the same table
 *   bare      COPY of the whole rows, as text, into a table with neither index nor partition
 */

const SILENT = {
  info: () => {},
  warn: (...text) => console.error(...text),
  error: (...text) => console.error(...text),
};
const IN_FLIGHT = 50;

/** @returns {Promise<{ round: number, key: string, perSecond: number }[]>} */
export async function intakeRounds({ nats, database, rounds, count, note, signal }) {
  const records = makeRecords(count);
  const text = copyText(records);
  const catalogue = await openCatalogue({ url: database, waitMs: 10_000, log: SILENT });
  const connection = await connect({ natsUrl: nats.url, name: 'bench' });
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    await client.query(`CREATE TABLE bare (${BARE_COLUMNS})`);
    await openAuditReader(connection);
    // Writes once, so that the day's partition and the kinds are there.
    await registryTakes(catalogue, connection, records.slice(0, 1_000));
    const rows = copyRows(records.map((record) => ({ record, kind: kindOf(record), executor: record.id })));
    const contenders = {
      registry: () => registryTakes(catalogue, connection, records),
      copy: () => copies(client, COPY_INVOCATIONS, rows),
      bare: () => copies(client, 'COPY bare FROM STDIN', text),
    };
    const results = [];
    // The first round warms up and does not count.
    for (let round = -1; round < rounds; round++)
      for (const key of Object.keys(contenders)) {
        signal.throwIfAborted();
        await client.query('TRUNCATE invocations, bare');
        await client.query('CHECKPOINT');
        const seconds = await contenders[key]();
        const perSecond = count / seconds;
        if (round >= 0) results.push({ round, key, perSecond });
        note(`round ${round + 1}/${rounds}  ${key.padEnd(8)} ${perSecond.toFixed(0).padStart(7)} records/s`);
      }
    return results;
  } finally {
    await client.end();
    await connection.close();
    await catalogue.close();
  }
}

/** As many kinds as the registry finds. */
const kindOf = ({ path, version, source, status }) =>
  [Number(path.slice(7)), version === '1.0.0', source === 'http', status === 200].reduce(
    (kind, part) => kind * 2 + Number(part),
  );

/** Everything waits in the stream before the clock starts. */
async function registryTakes(catalogue, connection, records) {
  const writer = openAuditWriter(connection);
  const batches = makeBatches(records);
  for (let from = 0; from < batches.length; from += IN_FLIGHT)
    await Promise.all(
      batches.slice(from, from + IN_FLIGHT).map(({ id, json }) => writer.sendInvocations(id, json)),
    );
  const intake = new InvocationIntake(catalogue, () => 0, SILENT);
  const started = performance.now();
  await intake.follow(connection);
  while (intake.rows < records.length) await delay(1);
  const seconds = (performance.now() - started) / 1_000;
  await intake.stop();
  return seconds;
}

async function copies(client, sql, bytes) {
  const started = performance.now();
  const stream = client.query(copyFrom(sql));
  stream.end(bytes);
  await once(stream, 'finish');
  return (performance.now() - started) / 1_000;
}
