import { existsSync } from 'node:fs';
import { readOptions, USAGE, UsageError } from './options.ts';
import { textOf } from './report.ts';
import { run } from './run.ts';

/*
 * `npm run chaos`: numbered events from every source, through services and servers that are killed, frozen and cut off
 * meanwhile, and an account of what became of each. Exit code 0: nothing lost, nothing stuck, every repetition
 * explained; 1: otherwise; 2: called wrongly; 130: interrupted.
 *
 *   options, plan         what a run is told; which faults happen when (pure, from a seed)
 *   run, session          from the start to the report
 *   world, servers,       everything that runs, and where
 *   services, service
 *   leftovers             a world's folder, and what killed runs left behind
 *   unit, tcp-proxy       one supervised process, to which faults happen; the cable between it and NATS
 *   ports, in-time        ports that are found again after a kill; a promise with a time limit
 *   inflict               the plan, carried out
 *   sources/, feed        producers, and what they were told (the ledger)
 *   handler/              what runs in the mesh: writes each event's id into Postgres
 *   found, settle         what can be seen from outside; when everything is quiet, or stuck
 *   account, explain      what became of each event; why some ran twice (pure)
 *   report                for people, or as JSON
 */
const INTERRUPTED = 130;
const hasMosquitto = ['/usr/sbin', '/usr/bin', '/usr/local/sbin'].some((folder) =>
  existsSync(`${folder}/mosquitto`),
);
const interrupted = new AbortController();
process.on('SIGINT', () => interrupted.abort());
process.on('SIGTERM', () => interrupted.abort());
const say = (line: string): void => void process.stderr.write(`${line}\n`);
/**
 * At once, when all is written: left to end by itself, Node 24.21 was seen to turn in its own clean-up for ever, where
 * processes had been started and their pipes let go.
 */
const end = (code: number): void => void process.stdout.write('', () => process.exit(code));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = readOptions(args, hasMosquitto);
  say(
    `chaos: seed ${options.seed}, ${options.events} events in ${options.seconds} s, MQTT by ${options.broker}`,
  );
  say(`       ${options.kills} kills, ${options.freezes} freezes, ${options.cuts} cuts`);
  const report = await run(options, interrupted.signal, say);
  process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : textOf(report)}\n`);
  return interrupted.signal.aborted ? INTERRUPTED : report.clean ? 0 : 1;
}

function failed(error: unknown): number {
  if (error instanceof UsageError) {
    say(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (interrupted.signal.aborted) return INTERRUPTED;
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

end(await main(process.argv.slice(2)).catch(failed));
