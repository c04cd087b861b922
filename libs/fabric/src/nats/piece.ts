import { isErrorCode, MeshError } from '#contracts';

/*
 * Streams over core NATS, and a map of the siblings.
 *
 *   piece            what is said: pieces in one direction, credit in the other
 *   piece-sender     cuts what a source brings into pieces, as far as there is credit
 *   piece-receiver   puts the pieces in front of a taker, and gives credit as it takes them
 *   pulse            notices at both ends that the other has gone
 *   stream-ends      subjects of streams, for one connection
 *   streamed-call    a call whose body goes out in pieces
 *
 * Invariants: pieces are numbered from 0, and one that is missing, early or beyond the credit ends the stream: what is
 * not whole is never taken for whole. Nobody has more than a window of a stream in memory. Each end hears of the other
 * every {@link PULSE_MS}, or gives it up. Nothing is sent again: a stream ends with the connection.
 */

/** How much of a stream may be on its way: bytes, each piece with {@link PIECE_OVERHEAD}. */
export const WINDOW_BYTES = 512 * 1024;
/** Largest piece, bytes. With larger ones nats-server works more for the same, with smaller ones the ends do. */
export const PIECE_BYTES = 32 * 1024;
/** What a piece counts beside its bytes, so that many small ones are not free. */
export const PIECE_OVERHEAD = 256;

/** What is said about a stream in its own direction; `number` is that of the next piece, or of this one. */
export type PieceMark =
  | { readonly kind: 'data' | 'end' | 'alive'; readonly number: number }
  | { readonly kind: 'error'; readonly number: number; readonly error: MeshError };

/** What its taker says: bytes that may have been sent in all; or that it has all, or wants no more. */
export type Credit = number | 'done' | 'stop';

export const PIECE_HEADER = 'mesh-piece';
export const CREDIT_HEADER = 'mesh-credit';

const block = (name: string, value: string): Uint8Array =>
  Buffer.from(`NATS/1.0\r\n${name}: ${value}\r\n\r\n`);

/** `mesh-piece: data 17`, `alive 18`, `end 18` or `error 18 handler-error`. */
export const encodePiece = (kind: PieceMark['kind'], number: number, code?: string): Uint8Array =>
  block(PIECE_HEADER, code === undefined ? `${kind} ${number}` : `${kind} ${number} ${code}`);

/** `mesh-credit: 524288`, `done` or `stop`. */
export const encodeCredit = (credit: Credit): Uint8Array => block(CREDIT_HEADER, String(credit));

/** @throws MeshError `broken-off` for what is no mark */
export function decodePiece(text: string): PieceMark {
  const [kind, digits, code] = text.split(' ');
  const number = readNumber(digits, text);
  if (kind === 'data' || kind === 'end' || kind === 'alive') return { kind, number };
  if (kind !== 'error') throw malformed(text);
  return { kind, number, error: new MeshError(isErrorCode(code) ? code : 'internal') };
}

/** @throws MeshError `broken-off` for what is none */
export function decodeCredit(text: string): Credit {
  if (text === 'done' || text === 'stop') return text;
  return readNumber(text, text);
}

function readNumber(digits: string | undefined, text: string): number {
  const number = digits !== undefined && /^\d{1,16}$/.test(digits) ? Number(digits) : -1;
  if (!Number.isSafeInteger(number) || number < 0) throw malformed(text);
  return number;
}

const malformed = (text: string): MeshError =>
  brokenOff(`${JSON.stringify(text.slice(0, 100))} is no part of a stream`);

/** @param why for the operator's log */
export const brokenOff = (why: string): MeshError =>
  new MeshError('broken-off', undefined, { cause: new Error(why) });
