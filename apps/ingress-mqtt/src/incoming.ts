import type { IPublishPacket } from 'mqtt';

/** One message from the broker. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly dup: boolean;
  /** With QoS 1 and 2: what its acknowledgement names. */
  readonly messageId?: number;
  /** What MQTT 5 adds. */
  readonly properties?: IncomingProperties;
}

export interface IncomingProperties {
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Seconds that were left when the broker sent it. */
  readonly messageExpiryInterval?: number;
  readonly userProperties?: Readonly<Record<string, string | string[]>>;
}

export function incomingOf({
  topic,
  payload,
  qos,
  retain,
  dup,
  messageId,
  properties,
}: IPublishPacket): Incoming {
  return {
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos,
    retain,
    dup,
    ...(messageId === undefined ? {} : { messageId }),
    ...(properties === undefined ? {} : { properties: properties as IncomingProperties }),
  };
}

/** Of two deliveries whether they can be the same message. */
export const isSame = (a: Incoming, b: Incoming): boolean =>
  a.topic === b.topic && a.qos === b.qos && Buffer.compare(a.payload, b.payload) === 0;
