import type { FromWorker, ToWorker } from './worker-protocol.js';

/*
 * Messages on a pipe: `u32 length of the rest, u32 length of the JSON, JSON, bytes`. In the JSON, what has bytes has their
 * number in their place. JSON, since what comes out of a child is not to be trusted with a richer format.
 */

type Message = ToWorker | FromWorker;

const HEAD = 8;
/** Longer ones nobody sends: the largest body there can be, and room for what is said of it. */
const MOST_BYTES = 64 * 1024 * 1024 + 4 * 1024 * 1024;

/** Pieces to be written one after the other. */
export function encodeFrame(message: Message): Uint8Array[] {
  const { plain, bytes } = takeOut(message);
  const json = Buffer.from(JSON.stringify(plain));
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(4 + json.length + bytes.length, 0);
  head.writeUInt32LE(json.length, 4);
  return bytes.length === 0 ? [head, json] : [head, json, bytes];
}

const NO_BYTES = new Uint8Array(0);
const plainly = (plain: unknown) => ({ plain, bytes: NO_BYTES });

function takeOut(message: Message): { plain: unknown; bytes: Uint8Array } {
  switch (message[0]) {
    case 'run': {
      const [kind, key, id, headers, body, ...rest] = message;
      return { plain: [kind, key, id, headers, body?.length, ...rest], bytes: body ?? NO_BYTES };
    }
    case 'done':
    case 'head': {
      const [kind, key, outcome, body] = message;
      return { plain: [kind, key, outcome, body.length], bytes: body as Uint8Array };
    }
    case 'chunk': {
      const [kind, key, piece] = message;
      return { plain: [kind, key, piece.length], bytes: piece as Uint8Array };
    }
    case 'call': {
      const [kind, call, path, { body, ...request }, key] = message;
      return { plain: [kind, call, path, { ...request, body: body.length }, key], bytes: body };
    }
    case 'reply': {
      const [kind, call, reply] = message;
      if (typeof reply === 'string') return plainly(message);
      return { plain: [kind, call, { ...reply, body: reply.body.length }], bytes: reply.body };
    }
    default:
      return plainly(message);
  }
}

/** @throws Error when it is no message */
function putBack(plain: unknown, bytes: Uint8Array): Message {
  if (!Array.isArray(plain)) throw new Error('A frame without a message.');
  // JSON knows no `undefined`.
  const parts: unknown[] = plain.map((part: unknown) => part ?? undefined);
  if (parts[0] === 'run') parts[4] = parts[4] === undefined ? undefined : bytes;
  if (parts[0] === 'done' || parts[0] === 'head') parts[3] = bytes;
  if (parts[0] === 'chunk') parts[2] = bytes;
  if (parts[0] === 'call') parts[3] = withBody(parts[3], bytes);
  if (parts[0] === 'reply' && typeof parts[2] === 'object') parts[2] = withBody(parts[2], bytes);
  return parts as unknown as Message;
}

const withBody = (of: unknown, body: Uint8Array): object => ({ ...(of as object), body });

/** Chunks of a pipe → messages. */
export class FrameReader<T extends Message> {
  #chunks: Buffer[] = [];
  #have = 0;
  #need = HEAD;

  /** @throws Error when what came is no frame: nothing after it can be understood */
  push(chunk: Buffer): T[] {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return [];
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const messages: T[] = [];
    let at = 0;
    for (;;) {
      this.#need = frameLength(all, at);
      if (all.length - at < this.#need) break;
      messages.push(decode(all.subarray(at, at + this.#need)) as T);
      at += this.#need;
    }
    this.#chunks = at === all.length ? [] : [all.subarray(at)];
    this.#have = all.length - at;
    return messages;
  }
}

/** Of the frame that begins there; while its head is not whole, that of the head. */
function frameLength(bytes: Buffer, at: number): number {
  if (bytes.length - at < HEAD) return HEAD;
  const rest = bytes.readUInt32LE(at);
  const json = bytes.readUInt32LE(at + 4);
  if (rest > MOST_BYTES || json + 4 > rest) throw new Error(`A frame of ${rest} and ${json} bytes.`);
  return 4 + rest;
}

function decode(frame: Buffer): Message {
  const end = HEAD + frame.readUInt32LE(4);
  return putBack(JSON.parse(frame.toString('utf8', HEAD, end)), frame.subarray(end));
}
