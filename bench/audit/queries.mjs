import pg from 'pg';
import { readInvocations } from '../../dist/apps/registry/src/catalogue/invocations/read.js';
import { openCatalogue } from '../../dist/apps/registry/src/catalogue/open.js';
import { quantile } from '../measure/statistics.mjs';

/*
 * What GET /v1/invocations asks of Postgres, over few records and over many of the same thirty days, in one server.
 */

const DAYS = 30;
const PATHS = 40;
const PAGE = 101;
const REPEATS = 25;
const SILENT = { info: () => {}, warn: () => {}, error: (...text) => console.error(...text) };

const at = (share) => new Date(Date.now() - DAYS * 86_400_000 * (1 - share)).toISOString();

/** Every filter, those that are documented together most, and what is hard: nothing found, rare, far back. */
const QUERIES = {
  'no filter': {},
  path: { path: 'bench/p7' },
  version: { version: '1.1.0' },
  status: { status: 500 },
  'a rare status': { status: 503 },
  source: { source: 'mqtt' },
  since: { since: at(0.99) },
  until: { until: at(0.5) },
  'path, version': { path: 'bench/p7', version: '1.1.0' },
  'path, status': { path: 'bench/p7', status: 500 },
  'path, a rare status': { path: 'bench/p7', status: 503 },
  'status, source': { status: 500, source: 'mqtt' },
  'path, since, until': { path: 'bench/p7', since: at(0.3), until: at(0.6) },
  'all of them': {
    path: 'bench/p7',
    version: '1.0.0',
    status: 200,
    source: 'http',
    since: at(0.1),
    until: at(0.9),
  },
  'a path that never ran': { path: 'bench/none' },
};

/** Each query by what was asked: medians in ms over both sizes, and the plan over the larger one. */
export async function queryTimes({ postgres, sizes, note, signal }) {
  const clients = [];
  try {
    for (const size of sizes) {
      signal.throwIfAborted();
      note(`Writing ${size} records over ${DAYS} days.`);
      clients.push(await filled(await postgres.createDatabase(`bench_${size}`), size));
    }
    const results = [];
    for (const [name, query] of Object.entries(QUERIES))
      results.push(await timed(name, query, clients, signal));
    // The page in the middle: where the one before it ended.
    const place = { startedAt: at(0.5).replace('Z', '000Z'), id: '00000000-0000-0000-0000-000000000000' };
    results.push(await timed('status, a page far back', { status: 500 }, clients, signal, place));
    return results;
  } finally {
    for (const client of clients) await client.end();
  }
}

async function timed(name, query, clients, signal, place) {
  const times = clients.map(() => []);
  // Interleaved, so that both meet the same noise; the first run of each warms up.
  for (let i = 0; i <= REPEATS; i++)
    for (const [which, client] of clients.entries()) {
      signal.throwIfAborted();
      const started = performance.now();
      await readInvocations(managerOf(client), query, place, PAGE);
      if (i > 0) times[which].push(performance.now() - started);
    }
  const ms = times.map((values) => quantile(values, 0.5));
  return { name, ms, ratio: ms.at(-1) / ms[0], plan: await planOf(clients.at(-1), query, place) };
}

const managerOf = (client) => ({ query: async (sql, values) => (await client.query(sql, values)).rows });

/** What the server really did for the page itself, partitions that it never opened left out. */
async function planOf(client, query, place) {
  const plan = [];
  const explaining = {
    query: async (sql, values) => {
      if (!sql.includes('to_char')) return managerOf(client).query(sql, values);
      const { rows } = await client.query(
        `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) ${sql}`,
        values,
      );
      plan.push(...rows.map((row) => row['QUERY PLAN']));
      return Array.from({ length: PAGE });
    },
  };
  await readInvocations(explaining, query, place, PAGE);
  return withoutUnopened(plan);
}

/** Drops the nodes that say `never executed`, with the conditions below them. */
function withoutUnopened(lines) {
  let skipping = false;
  return lines.filter((line) => {
    if (line.includes('->') || !line.startsWith(' ')) skipping = line.includes('never executed');
    return !skipping;
  });
}

async function filled(url, size) {
  const catalogue = await openCatalogue({ url, waitMs: 10_000, log: SILENT });
  await catalogue.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (let day = -DAYS - 1; day <= 1; day++) await client.query(partition(day));
  for (const statement of [KINDS, 'SET synchronous_commit = off']) await client.query(statement);
  // In order of time, as they come; kinds as they are met: few of them often, most of them seldom.
  await client.query(RECORDS, [size, DAYS]);
  await client.query('VACUUM ANALYZE');
  return client;
}

function partition(day) {
  const date = (offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  return `CREATE TABLE invocations_${date(day).replaceAll('-', '')} PARTITION OF invocations
    FOR VALUES FROM ('${date(day)}T00:00:00Z') TO ('${date(day + 1)}T00:00:00Z')`;
}

/** Status 500 is one in a hundred, 503 one in ten thousand; one event in ten came by MQTT. */
const KINDS = `
  INSERT INTO invocation_kinds (path, version, source, status, outcome)
  SELECT 'bench/p' || p, v, s, c, CASE c WHEN 200 THEN 'ok' WHEN 500 THEN 'handler-error' ELSE 'no-executor' END
  FROM generate_series(0, ${PATHS - 1}) p, unnest(ARRAY['1.0.0', '1.1.0']) v,
    unnest(ARRAY['http', 'mqtt']) s, unnest(ARRAY[200, 500, 503]) c`;
const RECORDS = `
  INSERT INTO invocations
  SELECT now() - make_interval(days => $2::int) + i * (make_interval(days => $2::int) / $1::int),
    k.kind, gen_random_uuid(), 1000 + i % 1000, 1, gen_random_uuid(), gen_random_uuid(), '198.51.100.0/24'
  FROM (
    SELECT i, 'bench/p' || i % ${PATHS} AS path, CASE WHEN i % 3 = 0 THEN '1.1.0' ELSE '1.0.0' END AS version,
      CASE WHEN i / 7 % 10 = 0 THEN 'mqtt' ELSE 'http' END AS source,
      CASE WHEN i / 11 % 10000 = 3 THEN 503 WHEN i / 13 % 100 = 5 THEN 500 ELSE 200 END AS status
    FROM generate_series(1, $1::int) i) r
  JOIN invocation_kinds k USING (path, version, source, status)
  ORDER BY i`;
