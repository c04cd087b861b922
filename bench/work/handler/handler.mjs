import { setTimeout as delay } from 'node:timers/promises';

/** Next to nothing, unless the event says otherwise: `{ "fail": true }`, `{ "takesMs": 5000 }`. */
export default (event) => {
  if (event.body?.fail) throw new Error('as the event asked for');
  if (event.body?.takesMs) return delay(event.body.takesMs, { ok: true });
  return { ok: true };
};
