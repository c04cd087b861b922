import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** What one run is told. */
export interface Options {
  /** Numbered events, over all sources together. */
  readonly events: number;
  /** Processes that are ended by SIGKILL. */
  readonly kills: number;
  /** Processes that are stopped by SIGSTOP for a while. */
  readonly freezes: number;
  /** Times that a service's connections to NATS are broken. */
  readonly cuts: number;
  /** From the beginning no executor runs for so long, s; what is accepted meanwhile waits. */
  readonly absence: number;
  /** How long events are fed and faults happen, s. */
  readonly seconds: number;
  /** With the same seed the same faults happen at the same moments. */
  readonly seed: number;
  readonly broker: 'mosquitto' | 'nats';
  /** Only these sources; empty: all. */
  readonly only: readonly string[];
  /** When nothing has moved for so long, s, the run is stuck. */
  readonly stuckAfter: number;
  /** Breaks the run on purpose, to show that it can fail. */
  readonly sabotage: 'none' | 'lost' | 'stuck';
  readonly json: boolean;
  /** Leave the folder with data and logs behind. */
  readonly keep: boolean;
}

export class UsageError extends Error {}

export const USAGE = `npm run chaos -- [options]

  --events <n>         numbered events over all sources (4000)
  --seconds <n>        how long they are fed, and faults happen (events / 150, at least 60)
  --kills <n>          kill -9 (one in 7 s, at least 8)
  --freezes <n>        SIGSTOP for a while (a third of the kills)
  --cuts <n>           connections to NATS broken (a third of the kills)
  --absence <n>        no executor runs for the first so many seconds (0)
  --seed <n>           the same seed inflicts the same faults (random, and printed)
  --broker <name>      mosquitto or nats, for MQTT (mosquitto where it is installed)
  --only <a,b>         these sources alone: http, async, request, work, mqtt1, mqtt2, sqs, fifo
  --stuck-after <n>    seconds without any movement after which the run has failed (60)
  --sabotage <what>    lost or stuck: breaks the run on purpose, to show that it can fail
  --json               the report as JSON on stdout
  --keep               leave data and logs where they are
`;

const STRINGS = [
  'events',
  'seconds',
  'kills',
  'freezes',
  'cuts',
  'absence',
  'seed',
  'broker',
  'only',
  'stuck-after',
  'sabotage',
] as const;
type Values = Partial<Record<(typeof STRINGS)[number], string>> & { json?: boolean; keep?: boolean };

/** @throws UsageError naming the option at fault */
export function readOptions(args: readonly string[], hasMosquitto: boolean): Options {
  const values = parsed(args);
  const events = whole(values, 'events', 4_000, 1);
  const seconds = whole(values, 'seconds', Math.max(60, Math.round(events / 150)), 1);
  const kills = whole(values, 'kills', Math.max(8, Math.round(seconds / 7)), 0);
  return {
    events,
    seconds,
    kills,
    freezes: whole(values, 'freezes', Math.round(kills / 3), 0),
    cuts: whole(values, 'cuts', Math.round(kills / 3), 0),
    absence: whole(values, 'absence', 0, 0),
    seed: whole(values, 'seed', randomInt(1_000_000), 0),
    broker: oneOf(values, 'broker', ['mosquitto', 'nats'], hasMosquitto ? 'mosquitto' : 'nats'),
    only: values.only?.split(',') ?? [],
    stuckAfter: whole(values, 'stuck-after', 60, 1),
    sabotage: oneOf(values, 'sabotage', ['none', 'lost', 'stuck'], 'none'),
    json: values.json ?? false,
    keep: values.keep ?? false,
  };
}

function parsed(args: readonly string[]): Values {
  const strings = Object.fromEntries(STRINGS.map((name) => [name, { type: 'string' as const }]));
  const flags = { json: { type: 'boolean' as const }, keep: { type: 'boolean' as const } };
  try {
    return parseArgs({ args: [...args], options: { ...strings, ...flags } }).values as Values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(values: Values, name: keyof Values, fallback: number, least: number): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} must be a whole number of at least ${least}, not ${String(text)}.`);
}

function oneOf<T extends string>(values: Values, name: keyof Values, choices: readonly T[], fallback: T): T {
  const text = values[name] ?? fallback;
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`--${name} must be one of ${choices.join(', ')}, not ${String(text)}.`);
}
