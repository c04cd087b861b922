import { MeshError } from '#contracts';
import type { CallReply } from './invoker.js';

/**
 * A reply with all of its body, for who cannot pass it on in pieces.
 * @throws MeshError `answer-too-large` beyond `maxBytes`; what broke the stream off
 */
export async function wholeReply(reply: CallReply, maxBytes: number): Promise<CallReply> {
  if (!reply.rest) return reply;
  const { result, body, rest } = reply;
  const pieces = [body];
  let size = body.length;
  for await (const piece of rest) {
    size += piece.length;
    if (size > maxBytes) throw new MeshError('answer-too-large', `At most ${maxBytes} bytes fit.`);
    pieces.push(piece);
  }
  return { result, body: Buffer.concat(pieces, size) };
}
