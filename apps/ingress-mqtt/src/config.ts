import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { healthSettings } from '#lifecycle';

const file = (variable: string, description: string) =>
  setting({ variable, schema: text.string(), optional: true, description, remedy: 'the path of a PEM file' });

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
  mqttVersion: setting({
    variable: 'MESH_MQTT_VERSION',
    schema: text.choice('auto', '5', '3.1.1'),
    fallback: 'auto',
    description: 'Version of MQTT that is spoken; `auto` is 5 where the broker knows it, else 3.1.1.',
    remedy: 'auto, 5 or 3.1.1',
  }),
  mqttCa: file(
    'MESH_MQTT_CA',
    'File with the certificates (PEM) that the broker is believed by, in place of the public ones.',
  ),
  mqttCert: file('MESH_MQTT_CERT', 'File with the certificate (PEM) by which the broker knows this service.'),
  mqttKey: file('MESH_MQTT_KEY', "File with that certificate's key (PEM)."),
  mqttServerName: setting({
    variable: 'MESH_MQTT_SERVER_NAME',
    schema: text.string(),
    optional: true,
    description: "Name that the broker's certificate must have, where it is not the one in the URL.",
    remedy: 'a host name such as broker.example.org',
  }),
  clientId: setting({
    variable: 'MESH_MQTT_CLIENT_ID',
    // What every broker must take: MQTT 3.1.1, clause 3.1.3.1. The dash is taken by those that are in use.
    schema: text.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'not 1 to 64 letters, digits, "_" or "-"'),
    fallback: 'mesh-ingress-mqtt',
    description:
      'Name of the session that the broker keeps while this service is away, the same for all replicas: one at a ' +
      'time uses it, or with MESH_MQTT_SHARE each adds a number to it. Ingresses of different brokers need different names.',
    remedy: 'a name such as mesh-ingress-mqtt, the same at every start',
  }),
  share: setting({
    variable: 'MESH_MQTT_SHARE',
    schema: text.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'not 1 to 64 letters, digits, "_" or "-"'),
    optional: true,
    description:
      'Group in which all replicas share the messages, where the broker has shared subscriptions: MQTT 5 says so, ' +
      'for 3.1.1 it is believed where MESH_MQTT_VERSION says 3.1.1. Else one replica works and the others stand by.',
    remedy: 'a name such as mesh, the same for all replicas',
  }),
  sessionSeconds: setting({
    variable: 'MESH_MQTT_SESSION_SECONDS',
    schema: text.integer(0, 4_294_967_295),
    fallback: '604800',
    description:
      'How long the broker is asked to keep the session while nobody is connected (MQTT 5; with 3.1.1 the broker decides).',
    remedy: 'a whole number of seconds; 4294967295 is for ever',
  }),
  window: setting({
    variable: 'MESH_MQTT_WINDOW',
    schema: text.integer(1, 65_535),
    fallback: '1000',
    description:
      'Messages in hand at once, running or held. With MQTT 5 the broker sends no more; with 3.1.1 no more are read from it.',
    remedy: 'a whole number from 1 to 65535',
  }),
  mostFilters: setting({
    variable: 'MESH_MQTT_MOST_FILTERS',
    schema: text.integer(1, 1_000_000),
    fallback: '500',
    description:
      'Topics and filters subscribed at once; one that ends with `#` counts twice. Of more, one filter for each first ' +
      'level takes their place, or `#`; what no handler wants is then dropped. nats-server has room for some 650.',
    remedy: 'a whole number, 1 or more',
  }),
  replyTopic: setting({
    variable: 'MESH_MQTT_REPLY_TOPIC',
    schema: text
      .string()
      .regex(/^(?!\$)[^+#\p{Cc}]{1,500}$/u, 'a topic without wildcards that does not begin with "$"')
      .refine((topic) => topic.includes('{topic}') || topic.includes('{path}'), 'without {topic} or {path}'),
    optional: true,
    description:
      "Where the answer to a message goes that names no response topic (MQTT 3.1.1 has none): `{topic}` is the message's, `{path}` the handler's. Not set: nowhere.",
    remedy: 'a topic such as {topic}/reply',
  }),
  ...healthSettings(8084),
};

export type IngressMqttConfig = Config<typeof settings>;
