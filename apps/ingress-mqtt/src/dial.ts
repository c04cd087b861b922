import { connect, type IConnackPacket, type MqttClient } from 'mqtt';
import type { IngressMqttConfig } from './config.js';
import { loginOf } from './login.js';

export type MqttVersion = 4 | 5;

export interface DialOptions {
  readonly clientId: string;
  /** Without a session that outlives the connection. */
  readonly clean: boolean;
  readonly version: MqttVersion;
}

const CONNECT_LIMIT_MS = 10_000;
/** Seconds of silence after which the broker is asked whether it is there; given up half as long after. */
const KEEPALIVE_SECONDS = 30;

/**
 * One connection to the broker, which is not made again: whether it may be is for the lease to say.
 * @throws ConfigError for a file that cannot be read; an error of TLS's for one that is none of its files
 */
export function dial(config: IngressMqttConfig, { clientId, clean, version }: DialOptions): MqttClient {
  const { url, options } = loginOf(config);
  const properties = {
    sessionExpiryInterval: clean ? 0 : config.sessionSeconds,
    // The broker's own limit on what it sends: nothing need stay unread, not even its answer to a ping.
    receiveMaximum: config.window,
  };
  return connect(url, {
    ...options,
    clientId,
    clean,
    protocolVersion: version,
    ...(version === 5 ? { properties } : {}),
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_LIMIT_MS,
    reconnectPeriod: 0,
    // What is to be subscribed is known better here: see subscriptions.ts.
    resubscribe: false,
  });
}

/** 0: accepted. MQTT 5 calls it otherwise. */
export const codeOf = ({ returnCode, reasonCode }: IConnackPacket): number => reasonCode ?? returnCode ?? 0;

/**
 * Whether the broker has shared subscriptions: MQTT 5, clause 3.2.2.3.13, says that what is not told is so.
 * @param isBelieved whether a broker of MQTT 3.1.1, which cannot tell, is taken to have them
 */
export function hasShares(
  { properties }: IConnackPacket,
  version: MqttVersion,
  isBelieved: boolean,
): boolean {
  return version === 5 ? (properties?.sharedSubscriptionAvailable ?? true) : isBelieved;
}

/** Unacceptable protocol version, in the words of 3.1.1 and of 5. */
const OTHER_VERSION: readonly (number | undefined)[] = [1, 132];
/** A broker that hangs up so often without a word does not know the version; one that is being killed does so once. */
const HANG_UPS = 3;

/** Which version to try; `auto` goes to the other one where the broker does not know the first. */
export class VersionChoice {
  #version: MqttVersion;
  #hangUps = 0;
  #isKnown = false;

  constructor(private readonly wanted: IngressMqttConfig['mqttVersion']) {
    this.#version = wanted === '3.1.1' ? 4 : 5;
  }

  get version(): MqttVersion {
    return this.#version;
  }

  accepted(): void {
    this.#isKnown = true;
  }

  /**
   * @param code of a CONNACK that refused; absent: the broker hung up without one
   * @returns whether it is to be tried in another version
   */
  refused(code: number | undefined): boolean {
    if (this.wanted !== 'auto') return false;
    if (code === undefined && (this.#isKnown || ++this.#hangUps < HANG_UPS)) return false;
    if (code !== undefined && !OTHER_VERSION.includes(code)) return false;
    this.#hangUps = 0;
    this.#version = this.#version === 5 ? 4 : 5;
    // Of a broker that knows neither there is no need to ask without a pause.
    return this.#version === 4;
  }
}
