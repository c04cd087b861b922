import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Where a device wants its answer. */
export interface Address {
  readonly topic: string;
  /** MQTT 5: to be sent back with the answer as it came. */
  readonly correlation?: Uint8Array;
  readonly qos: 0 | 1;
}

const MAC_BYTES = 16;
const HEAD_BYTES = 3;

/**
 * Addresses as one word, sealed: a result's subject says where its answer goes, so that any replica can send it, also one
 * that was started since. The seal keeps whoever may publish on that subject (every executor) from naming other topics.
 */
export class ReplyTokens {
  readonly #key: Buffer;

  /** @param secret known to all replicas, and to nobody else who may publish where results go */
  constructor(secret: string) {
    this.#key = createHash('sha256').update(`lambda-mesh mqtt answers\n${secret}`).digest();
  }

  seal({ topic, correlation, qos }: Address): string {
    const name = Buffer.from(topic);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt8(qos | (correlation ? 2 : 0));
    head.writeUInt16BE(name.length, 1);
    const body = Buffer.concat([head, name, correlation ?? Buffer.of()]);
    return Buffer.concat([this.#mac(body), body]).toString('base64url');
  }

  /** `undefined` for what was not sealed with this secret. */
  open(token: string): Address | undefined {
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(MAC_BYTES);
    if (body.length < HEAD_BYTES || !timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(body)))
      return undefined;
    const flags = body.readUInt8();
    const end = HEAD_BYTES + body.readUInt16BE(1);
    return {
      topic: body.subarray(HEAD_BYTES, end).toString(),
      qos: flags & 1 ? 1 : 0,
      ...(flags & 2 ? { correlation: body.subarray(end) } : {}),
    };
  }

  #mac(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, MAC_BYTES);
  }
}
