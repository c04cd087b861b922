import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { serve } from './own-process.mjs';

/**
 * A consumer as the client's documentation has it: `consume()`, and an ack for each message and nothing else. With
 * BENCH_CONFIRMED it learns that the server has each ack, as whoever must not work twice without need does.
 */
const { MESH_NATS_URL, MESH_NATS_USER, MESH_NATS_PASSWORD, BENCH_CONSUMER, BENCH_CONFIRMED } = process.env;
const nc = await connect({
  servers: MESH_NATS_URL,
  user: MESH_NATS_USER,
  pass: MESH_NATS_PASSWORD,
  inboxPrefix: `_INBOX.${MESH_NATS_USER}`,
  noAsyncTraces: true,
});
const consumer = await jetstream(nc).consumers.get('WORK', BENCH_CONSUMER);
const acknowledge = BENCH_CONFIRMED
  ? (message) => message.ackAck().catch((error) => process.send({ fault: error.stack }))
  : (message) => message.ack();
await consumer.consume({ max_messages: 256, callback: acknowledge });
serve(() => undefined);
