import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { serve, windowed } from './own-process.mjs';

/** A publisher as the client's documentation has it: `js.publish`, de-duplicated, many in flight. */
const { MESH_NATS_URL, MESH_NATS_USER, MESH_NATS_PASSWORD } = process.env;
const nc = await connect({
  servers: MESH_NATS_URL,
  user: MESH_NATS_USER,
  pass: MESH_NATS_PASSWORD,
  inboxPrefix: `_INBOX.${MESH_NATS_USER}`,
  noAsyncTraces: true,
});
const js = jetstream(nc);
const run = Date.now().toString(36);
let minted = 0;

serve(async ({ subject, body, count, atOnce }) => {
  const bytes = new TextEncoder().encode(body);
  const timeout = 30_000;
  await windowed(count, atOnce, () => js.publish(subject, bytes, { msgID: `${run}-${minted++}`, timeout }));
});
