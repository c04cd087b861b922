import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { healthSettings } from '#lifecycle';

export const settings = {
  ...natsSettings,
  mqttUrl: setting({
    variable: 'MESH_MQTT_URL',
    schema: text.url('mqtt:', 'mqtts:', 'tcp:', 'ssl:', 'ws:', 'wss:'),
    fallback: 'mqtt://127.0.0.1:1883',
    // The URL may hold a password.
    secret: true,
    description: 'The MQTT broker; user and password may stand in it.',
    remedy: 'a URL such as mqtt://127.0.0.1:1883 or mqtts://user:password@broker.example.org',
  }),
  mqttUser: setting({
    variable: 'MESH_MQTT_USER',
    schema: text.string(),
    optional: true,
    description: 'User name at the MQTT broker; goes before the one in the URL.',
    remedy: 'the name of a user of the broker',
  }),
  mqttPassword: setting({
    variable: 'MESH_MQTT_PASSWORD',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Password of that user.',
    remedy: "the user's password",
  }),
  clientId: setting({
    variable: 'MESH_MQTT_CLIENT_ID',
    // What every broker must take: MQTT 3.1.1, clause 3.1.3.1. The dash is taken by those that are in use.
    schema: text.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'not 1 to 64 letters, digits, "_" or "-"'),
    fallback: 'mesh-ingress-mqtt',
    description:
      'Name of the session that the broker keeps while this service is away. One service only may use it at a time.',
    remedy: 'a name such as mesh-ingress-mqtt, the same at every start',
  }),
  window: setting({
    variable: 'MESH_MQTT_WINDOW',
    schema: text.integer(1, 65_535),
    fallback: '1000',
    description:
      'Messages in hand at once, running or held; when there are as many, no more are read from the broker.',
    remedy: 'a whole number from 1 to 65535',
  }),
  ...healthSettings(8084),
};

export type IngressMqttConfig = Config<typeof settings>;
