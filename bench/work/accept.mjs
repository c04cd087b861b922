import { setTimeout as delay } from 'node:timers/promises';
import { workSubject } from '#contracts';
import { requireWrk } from '../measure/wrk.mjs';
import { ask } from './facts.mjs';
import { runRounds } from './rounds.mjs';
import { acceptedByWrk } from './wrk-post.mjs';

const PATH = 'bench/accept';
const BODY = '{"id":"42"}';
const AT_ONCE = 512;
const HTTP_SECONDS = 2;

/** Events that the stream has confirmed, a second: a plain publisher, what an ingress does, and through ingress-http. */
export async function benchAccept(ground, { events, http, ...options }) {
  const raw = await ground.startOwn('publisher-raw.mjs', 'ingress');
  const { publisher, nats } = ground;
  const load = { count: events, body: BODY, atOnce: AT_ONCE };
  const publishing = (child, target) => async (time) => {
    await time(async () => {
      await ask(child, { ...target, ...load });
      return events;
    });
    await ground.purge(PATH);
  };
  const contenders = [
    {
      key: 'raw publisher',
      pids: { publisher: raw.pid, nats: nats.pid },
      measure: publishing(raw, { subject: workSubject(PATH) }),
    },
    {
      key: 'mesh publisher',
      pids: { publisher: publisher.pid, nats: nats.pid },
      measure: publishing(publisher, { path: PATH }),
    },
  ];
  if (http) contenders.push(await throughHttp(ground, options.signal));
  return runRounds('accept', contenders, options);
}

/** `Prefer: respond-async`: the 202 stands for an event and its state in KV, both confirmed. */
async function throughHttp(ground, signal) {
  requireWrk();
  await ground.registry.route(PATH);
  const ingress = ground.startService('ingress-http', 'ingress-http', {
    ...ground.loginOf('ingress'),
    MESH_HTTP_PORT: '0',
  });
  const base = await ingress.untilSaid((output) => output.match(/Listening on (http:\/\/[\d.:]+\d)/)?.[1]);
  const url = `${base}/${PATH}`;
  await untilAccepted(url, signal);
  return {
    key: 'ingress-http',
    pids: { publisher: ingress.pid, nats: ground.nats.pid },
    measure: async (time) => {
      await time(() => acceptedByWrk(url, BODY, { seconds: HTTP_SECONDS, connections: 64, signal }));
      await ground.purge(PATH);
    },
  };
}

async function untilAccepted(url, signal) {
  for (;;) {
    const headers = { prefer: 'respond-async', 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: BODY, signal });
    await response.body?.cancel();
    if (response.status === 202) return;
    if (response.status !== 503 && response.status !== 404)
      throw new Error(`${url} answers ${response.status}`);
    await delay(50, undefined, { signal });
  }
}
