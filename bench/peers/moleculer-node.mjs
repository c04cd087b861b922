import { answerTo } from '../http/answer.mjs';
import { ready } from '../http/contender-process.mjs';
import { brokerOf } from './moleculer-broker.mjs';

/** The node behind Moleculer's gateway: one action. */
const broker = brokerOf('node');
broker.createService({ name: 'bench', actions: { find: ({ params }) => answerTo(params.id) } });
await broker.start();
ready();
