import {
  callbackSubject,
  decodeAsyncState,
  decodeHeaders,
  encodeDone,
  encodeHeaders,
  encodeResult,
  MeshError,
  PROBLEM_JSON,
  problemOf,
  type ResultEnvelope,
  workMessageId,
} from '#contracts';
import type { Keep, StockMessage, StreamWriter } from '#fabric';

/**
 * Work that nobody will ever run has become a dead letter: whoever asked for its result (an asynchronous HTTP call, its
 * callback) is told so, as an executor would have told.
 * @throws MeshError `not-connected`, `queue-full`: do it again
 */
export async function tellEnd(message: StockMessage, results: Keep, writer: StreamWriter): Promise<void> {
  const { 'mesh-id': id, 'mesh-result': result, 'mesh-callback': callback } = message.headers;
  if (id === undefined || result !== 'keep') return;
  const error = new MeshError('no-route');
  const { code: outcome, status } = error;
  const envelope: ResultEnvelope = { id, outcome, status, contentType: PROBLEM_JSON };
  const body = Buffer.from(JSON.stringify(problemOf(error, id)));
  if (!(await keepEnd(envelope, body, results)) || callback === undefined) return;
  const headers = {
    ...decodeHeaders(encodeResult(envelope)),
    'Nats-Msg-Id': `${workMessageId(id, Number(message.headers['mesh-replay'] ?? 0) || 0)}#callback`,
    'mesh-callback': callback,
  };
  await writer.write(callbackSubject(id), encodeHeaders(headers), body);
}

/** @returns false where it was cancelled, or is forgotten */
async function keepEnd(result: ResultEnvelope, body: Uint8Array, results: Keep): Promise<boolean> {
  for (;;) {
    const kept = await results.get(result.id);
    const state = kept && decodeAsyncState(kept.headers);
    if (!kept || !state || state.state === 'cancelled') return false;
    // Told before, by a pass that was cut short.
    if (state.state === 'done') return true;
    const headers = encodeDone(state.call, result, 0, Date.now());
    if ((await results.replace(result.id, kept.revision, headers, body)) !== undefined) return true;
  }
}
