import mqtt from 'mqtt';
import { serve } from './own-process.mjs';

/** A subscriber that acknowledges by hand and does nothing else. */
const { BENCH_MQTT_URL, BENCH_MQTT_VERSION, BENCH_MQTT_TOPIC, BENCH_MQTT_USER, BENCH_MQTT_PASSWORD } =
  process.env;
let handled = 0;
let awaited;

const client = mqtt.connect(BENCH_MQTT_URL, {
  protocolVersion: Number(BENCH_MQTT_VERSION),
  clientId: 'bench-raw',
  clean: false,
  username: BENCH_MQTT_USER,
  password: BENCH_MQTT_PASSWORD,
  ...(BENCH_MQTT_VERSION === '5' && { properties: { sessionExpiryInterval: 3_600 } }),
});
// mqtt.js sends the PUBACK when this calls back.
client.handleMessage = (_packet, acknowledge) => {
  acknowledge();
  handled++;
  if (handled >= awaited?.until) awaited.resolve();
};
await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
await client.subscribeAsync(BENCH_MQTT_TOPIC, { qos: 1 });

serve(({ until }) => {
  if (handled >= until) return;
  const { promise, resolve } = Promise.withResolvers();
  awaited = { until, resolve };
  return promise;
});
