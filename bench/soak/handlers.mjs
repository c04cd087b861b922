/** What runs during a soak: answers at once, waits, fails, logs, calls another. */
export const HANDLERS = {
  'soak/quick': 'export default (event) => ({ n: event.query.n, at: event.time })',
  'soak/waits': 'export default () => new Promise((done) => setTimeout(done, 20, { waited: true }))',
  'soak/fails': 'export default (event, context) => context("FAIL", { error: "as always" })',
  'soak/throws': 'export default () => { throw new Error("as always") }',
  'soak/calls':
    'export default async (event, context) => ({ got: await context.call("soak/quick", { n: 1 }) })',
  'soak/works':
    'export default (event, context) => { if (Math.random() < 0.01) context.log("one of a hundred"); return 1 }',
};

/** Shares of the HTTP traffic. */
export const MIX = [
  { path: 'soak/quick', share: 0.8 },
  { path: 'soak/waits', share: 0.1 },
  { path: 'soak/fails', share: 0.03 },
  { path: 'soak/throws', share: 0.02 },
  { path: 'soak/calls', share: 0.03 },
  { path: 'soak/nobody', share: 0.02 },
];

/** Events for which nobody waits, a second. */
export const PER_SECOND = { async: 20, mqtt: 20, sqs: 10 };
