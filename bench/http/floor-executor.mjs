import { parse } from 'node:querystring';
import { answerTo } from './answer.mjs';
import { ready } from './contender-process.mjs';
import { connectAs, QUEUE, subject } from './floor-nats.mjs';

/** (a) The floor's executor. */
const nc = await connectAs('executor');
nc.subscribe(subject, {
  queue: QUEUE,
  callback: (_error, message) => {
    const { id } = parse(message.string());
    nc.publish(message.reply, JSON.stringify(answerTo(id)));
  },
});
await nc.flush();
ready();
