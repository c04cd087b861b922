import { Worker } from 'node:worker_threads';
import { ready } from './contender-process.mjs';
import { connectAs, QUEUE, subject } from './floor-nats.mjs';
import { wire } from './wire-headers.mjs';

/** (a″) The floor's executor with headers and a hop to a worker thread: one message each way for each request. */
const VERSION = '1.0.0';
const nc = await connectAs('executor');
const worker = new Worker(new URL('./hop-worker.mjs', import.meta.url));
const running = new Map();
let next = 0;

worker.on('message', ([key, status, contentType, body]) => {
  const { reply, id } = running.get(key);
  running.delete(key);
  nc.publish(reply, body, { headers: wire.reply(contentType, status, VERSION, id) });
});

nc.subscribe(subject, {
  queue: QUEUE,
  callback: (_error, message) => {
    const { headers } = wire.read(message);
    const key = next++;
    running.set(key, { reply: message.reply, id: headers['mesh-id'] });
    worker.postMessage([key, headers['mesh-meta']]);
  },
});
await nc.flush();
ready();
