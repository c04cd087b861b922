import { pairedRatio, spread } from '../measure/statistics.mjs';
import { table, text } from '../measure/table.mjs';

/** What is held against what: the first at least so many times the second, of the same round. */
const RATIOS = [
  { part: 'accept', of: 'mesh publisher', to: 'raw publisher', least: 0.7 },
  { part: 'accept', of: 'ingress-http', to: 'raw publisher' },
  { part: 'complete', of: 'inline', to: 'raw ack', least: 0.7 },
  { part: 'complete', of: 'thread', to: 'raw ack', least: 0.7 },
  { part: 'complete', of: 'inline', to: 'raw confirmed' },
  { part: 'complete', of: 'thread', to: 'raw confirmed' },
  { part: 'flow', of: 'inline', to: 'raw ack', least: 0.7 },
  { part: 'flow', of: 'thread', to: 'raw ack', least: 0.7 },
  { part: 'flow', of: 'inline', to: 'raw confirmed' },
  { part: 'flow', of: 'thread', to: 'raw confirmed' },
  { part: 'isolation', of: 'own, 5,000 in back-off', to: 'own', least: 0.9 },
  { part: 'isolation', of: 'other, 5,000 in back-off', to: 'other', least: 0.9 },
  { part: 'isolation', of: 'other, 5,000 of 5 s', to: 'other', least: 0.9 },
  { part: 'mqtt nats-server', of: 'ingress-mqtt', to: 'raw subscriber', least: 0.7 },
  { part: 'mqtt mosquitto', of: 'ingress-mqtt', to: 'raw subscriber', least: 0.7 },
  { part: 'sqs', of: 'ingress-sqs', to: 'sqs-consumer', least: 1 },
  { part: 'sqs', of: 'ingress-sqs', to: 'sqs-consumer, batches' },
];

/** A spread for each contender and figure, and the spread of the ratios of each round. */
export function summarize(results) {
  const of = (part, key) =>
    results.filter((one) => one.part === part && one.key === key).sort((a, b) => a.round - b.round);
  const names = new Map(results.map(({ part, key }) => [`${part}/${key}`, { part, key }]));
  return {
    contenders: [...names.values()].map(({ part, key }) => ({ part, key, ...figuresOf(of(part, key)) })),
    ratios: RATIOS.filter((ratio) =>
      [ratio.of, ratio.to].every((key) => names.has(`${ratio.part}/${key}`)),
    ).map((ratio) => ratioOf(ratio, of)),
  };
}

function figuresOf(rounds) {
  const over = (read) => spread(rounds.map(read));
  const roles = Object.keys(rounds[0].cpu);
  return {
    perSecond: over(({ perSecond }) => perSecond),
    cpu: Object.fromEntries(roles.map((role) => [role, over(({ cpu }) => cpu[role])])),
  };
}

function ratioOf({ part, of: one, to, least }, of) {
  const [ones, others] = [of(part, one), of(part, to)];
  const read = (figure) => pairedRatio(ones.map(figure), others.map(figure));
  const perSecond = read((result) => result.perSecond);
  const cpu = read((result) => result.cpu.sum);
  const target = least === undefined ? {} : { least, met: perSecond.median >= least };
  return { part, of: one, to, perSecond, cpu, ...target };
}

/** The summary for people: medians, with quartiles in brackets. */
export function render({ machine, rounds, events, sync, summary }) {
  return [
    `${machine.cores} cores (${machine.model}; governor ${machine.governor}), node ${machine.node}, ` +
      `load before ${machine.loadBefore.toFixed(2)}`,
    `${rounds} rounds of ${events} events (isolation 2.5 times as many, sqs a quarter), sync_interval ${sync}. Medians [quartiles].`,
    '',
    ...table(['', '', 'events/s', 'CPU µs/event', 'of these'], summary.contenders.map(contenderRow)),
    '',
    'Paired ratios, round by round:',
    ...table(['', '', 'events/s', '', 'CPU an event'], summary.ratios.map(ratioRow)),
  ].join('\n');
}

function contenderRow({ part, key, perSecond, cpu }) {
  const { sum, ...roles } = cpu;
  const each = Object.entries(roles).map(([role, { median }]) => `${role} ${median.toFixed(1)}`);
  return [part, key, text(perSecond, 0), text(sum, 1), each.join(', ')];
}

function ratioRow({ part, of, to, perSecond, cpu, least, met }) {
  const target = least === undefined ? '' : `at least ${least}: ${met ? 'met' : 'NOT MET'}`;
  return [part, `${of} / ${to}`, text(perSecond, 2), target, text(cpu, 2)];
}
