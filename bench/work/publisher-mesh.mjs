import { encodeWork, mintMeshId } from '#contracts';
import { connect, createWorkPublisher } from '#fabric';
import { serve, windowed } from './own-process.mjs';

/** What an ingress does with an event that nobody waits for, without the protocol that it came by. */
const { MESH_NATS_URL, MESH_NATS_USER, MESH_NATS_PASSWORD } = process.env;
const connection = await connect({
  natsUrl: MESH_NATS_URL,
  natsUser: MESH_NATS_USER,
  natsPassword: MESH_NATS_PASSWORD,
  name: 'bench-publisher',
});
const publisher = createWorkPublisher(connection);

serve(async ({ path, body, count, atOnce }) => {
  const bytes = new TextEncoder().encode(body);
  const meta = { source: 'http', method: 'POST', path: `/${path}`, headers: { 'user-agent': 'bench' } };
  await windowed(count, atOnce, () => {
    const envelope = { id: mintMeshId(), acceptedAt: Date.now(), contentType: 'application/json', meta };
    return publisher.publish(path, encodeWork(path, envelope), bytes);
  });
});
