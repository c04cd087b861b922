import { PERMISSIONS, type Permissions, SERVICE_USERS, type ServiceUser } from './nats-permissions.js';

/** The largest message, headers included: what DESIGN calls `max_payload`. */
export const MAX_PAYLOAD = '8MB';

export interface NatsConfig {
  readonly serverName: string;
  readonly host: string;
  /** -1 lets the server pick a free one; so for the other ports. */
  readonly port: number;
  /** Monitoring over HTTP, on the loopback address, as it asks for no login; absent: none. */
  readonly httpPort?: number;
  /** MQTT 3.1.1; absent: none. */
  readonly mqttPort?: number;
  readonly storeFolder: string;
  /** Flush every write before it is acknowledged: survives power loss, at a fifth of the throughput. */
  readonly syncAlways?: boolean;
  /** A password for each user, as it stands in the file (a quoted text, or `$VARIABLE`); absent: no login at all. */
  readonly passwords?: Readonly<Record<ServiceUser, string>>;
}

/** The text of a configuration file for nats-server. */
export function natsConfig(config: NatsConfig): string {
  const { serverName, host, port, httpPort, storeFolder, syncAlways, passwords } = config;
  const lines = [
    `server_name: ${quoted(serverName)}`,
    `host: ${host}`,
    `port: ${port}`,
    ...(httpPort === undefined ? [] : [`http: "127.0.0.1:${httpPort}"`]),
    `max_payload: ${MAX_PAYLOAD}`,
    `jetstream { store_dir: ${quoted(storeFolder)}${syncAlways ? ', sync_interval: always' : ''} }`,
    ...mqttLines(config),
    ...(passwords ? accountLines(passwords) : []),
  ];
  return `${lines.join('\n')}\n`;
}

function mqttLines({ host, mqttPort, passwords }: NatsConfig): string[] {
  if (mqttPort === undefined) return [];
  const anonymous = passwords ? ', no_auth_user: device' : '';
  return [`mqtt { host: ${host}, port: ${mqttPort}${anonymous}, ack_wait: "5s", max_ack_pending: 100 }`];
}

function accountLines(passwords: Record<ServiceUser, string>): string[] {
  const mesh = SERVICE_USERS.filter((user) => user !== 'bridge');
  return [
    'accounts {',
    '  MESH {',
    '    jetstream: enabled',
    '    users: [',
    userLine('caller', quoted('')),
    ...mesh.map((user) => userLine(user, passwords[user])),
    '    ]',
    '  }',
    '  DEVICES {',
    // A consumer for each filter of QoS 1 and 2: 650 at most for the ingress, the rest for devices that listen.
    '    jetstream: { max_file: 1GB, max_mem: 64MB, max_streams: 20, max_consumers: 2000 }',
    '    users: [',
    userLine('device', quoted('')),
    userLine('bridge', passwords.bridge),
    '    ]',
    '  }',
    '}',
    '# Who has no credentials may call handlers, and nothing else.',
    'no_auth_user: caller',
  ];
}

const userLine = (user: keyof typeof PERMISSIONS, password: string): string =>
  `      { user: ${user}, password: ${password}, permissions: ${permissionsText(PERMISSIONS[user])} }`;

function permissionsText({ publish, subscribe, allowResponses }: Permissions): string {
  const answers = allowResponses
    ? `, allow_responses: { max: ${allowResponses.max}, expires: "${allowResponses.expires}" }`
    : '';
  return `{ publish: ${ruleText(publish)}, subscribe: ${ruleText(subscribe)}${answers} }`;
}

const ruleText = (rule: object): string =>
  `{ ${Object.entries(rule)
    .map(([key, subjects]) => `${key}: [${(subjects as string[]).map(quoted).join(', ')}]`)
    .join(', ')} }`;

/** A text in nats-server's configuration syntax, whose escapes are a part of JSON's. */
export const quoted = (text: string): string => JSON.stringify(text);
