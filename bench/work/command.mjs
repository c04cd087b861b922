import { machineFacts } from '../measure/machine.mjs';
import { benchAccept } from './accept.mjs';
import { benchComplete } from './complete.mjs';
import { benchFlow } from './flow.mjs';
import { Ground } from './ground.mjs';
import { benchIsolation } from './isolation.mjs';
import { benchMqtt } from './mqtt.mjs';
import { render, summarize } from './report.mjs';
import { benchSqs } from './sqs.mjs';

const PARTS = {
  accept: benchAccept,
  complete: benchComplete,
  flow: benchFlow,
  isolation: benchIsolation,
  mqtt: benchMqtt,
  sqs: benchSqs,
};

/**
 * `bench -- work`: events for which nobody waits, beside what the clients of JetStream, MQTT and SQS do alone.
 * @param {{ rounds: number, events: number, only?: string[], sync: 'default' | 'always', http: boolean, json?: boolean,
 *   profile?: string }} options
 * @param {AbortSignal} signal ends it early, in order
 */
export async function benchWork({ rounds, events, only, sync, http, json, profile }, signal) {
  const parts = choose(only);
  const machine = machineFacts();
  const note = (text) => process.stderr.write(`${text}\n`);
  const results = [];
  for (const part of parts) {
    // Each part has servers of its own: what one leaves behind in a stream costs the next nothing.
    const ground = await Ground.start({ sync, profile, ...(part === 'mqtt' && { mqttPort: 0 }) });
    try {
      results.push(...(await PARTS[part](ground, { rounds, events, http, note, signal })));
    } finally {
      await ground.stop();
    }
  }
  const report = { machine, rounds, events, sync, summary: summarize(results), results };
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : render(report)}\n`);
}

function choose(only) {
  const known = Object.keys(PARTS);
  const unknown = (only ?? []).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`There is no part ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  return known.filter((name) => !only || only.includes(name));
}
