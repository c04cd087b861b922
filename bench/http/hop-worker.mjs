import { parse } from 'node:querystring';
import { parentPort } from 'node:worker_threads';
import { answerTo } from './answer.mjs';

/** (a″) The worker thread: where the handler runs. */
parentPort.on('message', ([key, meta]) => {
  const { query } = JSON.parse(meta);
  const body = JSON.stringify(answerTo(parse(query).id));
  parentPort.postMessage([key, 200, 'application/json', body]);
});
