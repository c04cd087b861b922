import { parse } from 'node:querystring';
import { answerTo } from './answer.mjs';
import { ready } from './contender-process.mjs';
import { connectAs, QUEUE, subject } from './floor-nats.mjs';
import { wire } from './wire-headers.mjs';

/** (a′) The floor's executor with the wire headers of the mesh both ways. */
const VERSION = '1.0.0';
const nc = await connectAs('executor');
nc.subscribe(subject, {
  queue: QUEUE,
  callback: (_error, message) => {
    const { headers } = wire.read(message);
    const { query } = JSON.parse(headers['mesh-meta']);
    const body = JSON.stringify(answerTo(parse(query).id));
    nc.publish(message.reply, body, {
      headers: wire.reply('application/json', 200, VERSION, headers['mesh-id']),
    });
  },
});
await nc.flush();
ready();
