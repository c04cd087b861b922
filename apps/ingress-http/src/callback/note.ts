import {
  type AsyncState,
  type CallbackNote,
  decodeAsyncState,
  encodeNoted,
  encodeWaiting,
  type HeaderMap,
} from '#contracts';
import type { Keep, Kept } from '#fabric';

/** What is kept of the call whose result is sent. */
export interface KeptCall {
  readonly kept: Kept;
  readonly state: AsyncState;
}

/** `undefined` where the call is forgotten. @throws MeshError `not-connected` */
export async function readCall(id: string, keep: Keep): Promise<KeptCall | undefined> {
  const kept = await keep.get(id);
  return kept && { kept, state: decodeAsyncState(kept.headers) };
}

/** Writes how the callback stands beside the call's state, unless the call is forgotten or cancelled. */
export async function writeNote(
  id: string,
  note: CallbackNote,
  known: KeptCall | undefined,
  keep: Keep,
): Promise<void> {
  for (let call = known; call; call = await readCall(id, keep)) {
    const headers = noted(call.state, note);
    if (!headers) return;
    // Another may have been faster: the executor writes the result here, too.
    const { revision, value } = call.kept;
    if ((await keep.replace(id, revision, headers, value)) !== undefined) return;
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
