import mqtt from 'mqtt';
import { serve, windowed } from './own-process.mjs';

/** Devices, as one client: QoS 1, many in flight. */
const client = await mqtt.connectAsync(process.env.BENCH_MQTT_URL, { protocolVersion: 4 });

serve(async ({ topic, body, count, atOnce }) => {
  await windowed(count, atOnce, () => client.publishAsync(topic, body, { qos: 1 }));
});
