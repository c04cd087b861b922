import { Counter, type Registry } from 'prom-client';
import type { CallbackEnd } from './callback-queue.js';

/** Counts attempts by how they ended. */
export function countCallbacks(registry: Registry): (end: CallbackEnd) => void {
  const counter = new Counter({
    name: 'mesh_http_callbacks_total',
    help: 'Attempts to send a result to a callback: sent, again (to be sent later), failed (given up).',
    labelNames: ['end'],
    registers: [registry],
  });
  return (end) => counter.inc({ end });
}
