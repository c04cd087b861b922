import {
  asMeshError,
  type ControlPath,
  decodeHeaders,
  decodeWork,
  type HeaderMap,
  isControlPath,
  MeshError,
  pathOfSubject,
  placeId,
  type WorkRouting,
} from '#contracts';
import type { WorkItem } from '#fabric';
import { type Tried, UNTRIED } from './ledger.js';

const NO_HEADERS: HeaderMap = Object.freeze(Object.create(null));

/** Work in the hands of this executor. */
export interface WorkEvent {
  /** Another one when the stream has delivered it again meanwhile. */
  item: WorkItem;
  readonly path: ControlPath;
  readonly headers: HeaderMap;
  readonly work: WorkRouting;
  /** What keeps it from ever being run. */
  readonly fault?: MeshError;
  /** From a consumer of its path alone. */
  readonly ordered: boolean;
  tried: Tried;
}

/**
 * Reads what arrived; what cannot be read has a `fault`, and an id all the same.
 * @param isLive whether there is a route to a path, which then need not be checked
 */
export function readEvent(
  item: WorkItem,
  ordered: boolean,
  isLive: (path: ControlPath) => boolean,
): WorkEvent {
  const headers = item.headers ? decodeHeaders(item.headers) : NO_HEADERS;
  const path = pathOfSubject(item.subject);
  const common = { item, path, headers, ordered, tried: UNTRIED };
  const mint = () => placeId(item.seq, item.storedAt);
  try {
    const work = decodeWork(headers, mint);
    if (isLive(path) || isControlPath(path)) return { ...common, work };
    return { ...common, work, fault: new MeshError('bad-path') };
  } catch (error) {
    return { ...common, work: { id: mint(), keep: false, replay: 0 }, fault: asMeshError(error) };
  }
}
