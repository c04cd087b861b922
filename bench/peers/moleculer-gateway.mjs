import ApiGateway from 'moleculer-web';
import { serve } from '../http/contender-process.mjs';
import { brokerOf } from './moleculer-broker.mjs';

/** Moleculer's gateway: moleculer-web, one alias, as middleware of a server of our own, which finds a free port. */
const broker = brokerOf('gateway');
const gateway = broker.createService({
  name: 'gateway',
  mixins: [ApiGateway],
  settings: {
    server: false,
    routes: [{ path: '/', aliases: { 'GET bench/moleculer': 'bench.find' }, mappingPolicy: 'restrict' }],
  },
});
await broker.start();
await broker.waitForServices('bench');
serve(gateway.express());
