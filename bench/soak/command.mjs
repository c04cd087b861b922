import { machineFacts } from '../measure/machine.mjs';
import { MemoryWatch, slope } from '../measure/memory.mjs';
import { table } from '../measure/table.mjs';
import { machineLine, target, targetLines } from '../measure/targets.mjs';
import { HttpTraffic, startDevices } from './traffic.mjs';
import { World } from './world.mjs';

const EVERY_MS = 2_000;
const PER_MINUTE_MB = 1;

/**
 * `bench -- soak`: the whole mesh under load for a while; memory of every process. What fills up by time comes to its full
 * size during the warm-up: nats-server knows the ids of work for ten minutes.
 * @param {{ minutes: number, warmup: number, share: number, rate?: number, json?: boolean }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchSoak({ minutes, warmup, share, rate, json }, signal) {
  const machine = machineFacts();
  const note = (line) => process.stderr.write(`${line}\n`);
  const world = await World.start(signal);
  try {
    const sent = await startDevices(world);
    const traffic = await HttpTraffic.start(world, { share, rate }, signal);
    note(
      `Capacity ${traffic.capacity.toFixed(0)}/s; ${traffic.perSecond.toFixed(0)}/s for ${warmup} + ${minutes} minutes.`,
    );
    const watch = new MemoryWatch(world.pids, EVERY_MS);
    const statuses = await traffic.run((warmup + minutes) * 60, signal);
    const samples = watch.stop();
    const processes = Object.entries(samples).map(([role, all]) => ({ role, ...figuresOf(all, warmup) }));
    const report = {
      machine,
      minutes,
      warmup,
      capacity: traffic.capacity,
      perSecond: traffic.perSecond,
      statuses: Object.fromEntries(statuses),
      devices: await sent(),
      unrecorded: await world.unrecorded(),
      processes,
      samples,
      targets: targetsOf(processes, statuses),
    };
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
  } finally {
    await world.stop();
  }
}

/** MB, after the warm-up: at its begin, at the end, most, and the slope of the line that fits best. */
function figuresOf(all, warmup) {
  const counted = all.filter(([at]) => at >= warmup * 60);
  const megabytes = counted.map(([, mb]) => mb);
  return {
    start: all[0][1],
    from: megabytes[0],
    to: megabytes.at(-1),
    most: Math.max(...megabytes),
    perMinute: slope(counted) * 60,
  };
}

const targetsOf = (processes, statuses) => [
  ...processes.map(({ role, perMinute }) =>
    target(`${role}, MB a minute`, perMinute, { atMost: PER_MINUTE_MB, unit: 'MB' }),
  ),
  target('requests without an answer', statuses.get('0') ?? 0, { atMost: 0, digits: 0 }),
];

function render({
  machine,
  minutes,
  warmup,
  capacity,
  perSecond,
  statuses,
  devices,
  unrecorded,
  processes,
  targets,
}) {
  return [
    machineLine(machine),
    `${minutes} minutes at ${perSecond.toFixed(0)}/s of ${capacity.toFixed(0)}/s over HTTP, after ${warmup} that warm up.`,
    `Answers: ${Object.entries(statuses)
      .map(([status, count]) => `${status} ×${count}`)
      .join(
        ', ',
      )}; MQTT ${devices.mqtt}, SQS ${devices.sqs}, not sent ${devices.failed}; ${unrecorded} batches of records not stored yet.`,
    '',
    ...table(['MB', 'at start', 'warm', 'end', 'most', 'MB/min'], processes.map(row)),
    '',
    ...targetLines(targets),
  ].join('\n');
}

const row = ({ role, perMinute, ...figures }) => [
  role,
  ...['start', 'from', 'to', 'most'].map((name) => figures[name].toFixed(1)),
  perMinute.toFixed(2),
];
