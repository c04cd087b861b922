/*
 * Prints docker/nats.conf: the configuration that `npm start` and the tests use, for a server in a container.
 *
 *   npm run build && node tools/nats-conf.mjs > docker/nats.conf
 */
import { composeNatsConfig } from '../dist/libs/servers/src/nats-compose.js';

process.stdout.write(composeNatsConfig());
