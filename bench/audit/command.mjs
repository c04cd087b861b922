import { startNats, startPostgres } from '#servers';
import { machineFacts } from '../measure/machine.mjs';
import { intakeRounds } from './intake.mjs';
import { queryTimes } from './queries.mjs';
import { render, summarize } from './report.mjs';

/**
 * `bench -- audit`: how fast the registry writes down what ran, beside a plain COPY; and how long its queries take.
 * @param {{ rounds: number, records: number, small: number, large: number, queries: boolean, json?: boolean }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchAudit({ rounds, records: count, small, large, queries: asked, json }, signal) {
  const machine = machineFacts();
  const note = (text) => process.stderr.write(`${text}\n`);
  const servers = [];
  const keep = (server) => {
    servers.push(server);
    return server;
  };
  try {
    const nats = keep(await startNats({ open: true }));
    const postgres = keep(await startPostgres());
    const database = await postgres.createDatabase('bench_intake');
    const results = await intakeRounds({ nats, database, rounds, count, note, signal });
    const sizes = [small, large];
    const queries = asked ? await queryTimes({ postgres, sizes, note, signal }) : undefined;
    const report = { machine, count, rounds, intake: summarize(results), sizes, queries };
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    for (const server of servers.reverse()) await server.stop();
  }
}
