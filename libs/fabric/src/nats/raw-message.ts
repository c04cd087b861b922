import type { Msg, MsgHdrs } from '@nats-io/transport-node';

/*
 * The client decodes headers into a map of arrays and encodes them from one; the mesh has its own codec
 * (contracts/codec), which costs a third. These two functions are the seam: nothing else leans on the client's
 * inside, and a test holds them against a real server.
 */

interface RawMessage {
  readonly _msg?: { readonly hdr: number };
  readonly _rdata?: Uint8Array;
}

/** The header block of a received message, or `undefined` where it has none. */
export function headerBlock(message: Msg): Uint8Array | undefined {
  const { _msg, _rdata } = message as unknown as RawMessage;
  if (_msg && _rdata) return _msg.hdr > -1 ? _rdata.subarray(0, _msg.hdr) : undefined;
  return (message.headers as unknown as { encode(): Uint8Array } | undefined)?.encode();
}

/** An encoded header block in the form in which the client takes headers: it asks for nothing but the bytes. */
export function asClientHeaders(block: Uint8Array): MsgHdrs {
  return { encode: () => block } as unknown as MsgHdrs;
}
