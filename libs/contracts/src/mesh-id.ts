import { createHash, randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const BYTES = 16;
// Random bytes are fetched for many ids at a time: asking for them costs more than all the rest of an id.
const pool = Buffer.allocUnsafe(512 * BYTES);
let at = pool.length;
let lastMs = 0;
let sequence = 0;

// Used for every id: written as text byte by byte, an id leaves nothing behind but itself, and takes half the time.
const random = Buffer.alloc(BYTES);
const bytes = Buffer.alloc(BYTES);
const text = Buffer.from('00000000-0000-0000-0000-000000000000');
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const DIGITS = Buffer.from('0123456789abcdef');

/**
 * A new mesh-id: a UUIDv7. Those of one process sort in the order in which they were minted, also within a
 * millisecond and when the clock goes back (RFC 9562, clause 6.2, methods 1 and 3).
 */
export function mintMeshId(): string {
  if (at === pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  pool.copy(random, 0, at, at + BYTES);
  at += BYTES;
  advance(Date.now(), random);
  v7({ random, msecs: lastMs, seq: sequence }, bytes);
  return textOf(bytes);
}

function textOf(bytes: Buffer): string {
  for (let i = 0; i < BYTES; i++) {
    const [byte, place] = [bytes[i] as number, PLACES[i] as number];
    text[place] = DIGITS[byte >> 4] as number;
    text[place + 1] = DIGITS[byte & 15] as number;
  }
  return text.toString('latin1');
}

/** A new millisecond starts at a random place in the lower half of the 32 bits, so that there is room to count. */
function advance(now: number, random: Buffer): void {
  if (now > lastMs) {
    lastMs = now;
    sequence = random.readUInt32BE() >>> 1;
  } else sequence++;
}

/**
 * The mesh-id of work that brought none: made of its place in the stream, the same whoever makes it.
 * @param storedAt when the stream took it, ms since 1970
 */
export function placeId(seq: number, storedAt: number): string {
  const msecs = Math.floor(storedAt);
  const random = createHash('sha256').update(`${seq} ${msecs}`).digest().subarray(0, BYTES);
  return v7({ random, msecs });
}
