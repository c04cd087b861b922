import {
  type AsyncState,
  type CallbackNote,
  decodeAsyncState,
  encodeNoted,
  encodeWaiting,
  type HeaderMap,
} from '#contracts';
import type { Keep } from '#fabric';

/** What is noted of a callback, or `undefined` where the call is forgotten. */
export async function noteOf(id: string, keep: Keep): Promise<CallbackNote | undefined> {
  const kept = await keep.get(id);
  return kept && decodeAsyncState(kept.headers).call.callback;
}

/** Writes it beside the call's state, unless the call is forgotten or cancelled. */
export async function writeNote(id: string, note: CallbackNote, keep: Keep): Promise<void> {
  for (;;) {
    const kept = await keep.get(id);
    const headers = kept && noted(decodeAsyncState(kept.headers), note);
    // Another may have been faster: the executor writes the result here, too.
    if (!kept || !headers || (await keep.replace(id, kept.revision, headers, kept.value)) !== undefined)
      return;
  }
}

function noted(state: AsyncState, callback: CallbackNote): HeaderMap | undefined {
  const call = { ...state.call, callback };
  switch (state.state) {
    case 'done':
      return encodeNoted(call, state.result, Date.now());
    case 'waiting':
      return encodeWaiting(call);
    case 'cancelled':
      return undefined;
  }
}
