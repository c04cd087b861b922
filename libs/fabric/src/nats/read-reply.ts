import type { Msg } from '@nats-io/transport-node';
import { decodeHeaders, decodeResult, MeshError, statusOf } from '#contracts';
import type { CallReply } from '../invoker.js';
import { headerBlock } from './raw-message.js';

const NO_RESPONDERS = 503;

/**
 * An answer, or the head of one that comes in pieces.
 * @throws MeshError `no-executor`; `internal` for what is no answer
 */
export function readReply(message: Msg): CallReply {
  const block = headerBlock(message);
  if (!block) throw new MeshError('internal', undefined, { cause: new Error('a reply without headers') });
  if (statusOf(block) === NO_RESPONDERS) throw new MeshError('no-executor');
  return { result: decodeResult(decodeHeaders(block)), body: message.data };
}
