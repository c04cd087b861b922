import {
  type ControlPath,
  type DeadLetterFacts,
  type DeadReason,
  deadSubject,
  decodeDeadLetter,
  isMeshError,
  pathOfSubject,
} from '#contracts';
import type { StockHead } from '#fabric';

/** Which dead letters are meant; all that is said must hold. */
export interface DeadQuery {
  /** As the dead letter has it: what was sent to no path at all is found by its own name. */
  readonly path?: string;
  readonly reason?: string;
  /** ms since 1970, by the clock of the message server; `since` inclusive, `until` exclusive. */
  readonly since?: number;
  readonly until?: number;
}

/** A dead letter without its event. */
export interface DeadLetter extends DeadLetterFacts {
  readonly seq: number;
  /** mesh-id of the event. */
  readonly id: string;
  readonly path: ControlPath;
  /** Where the event came from; absent where that cannot be read. */
  readonly source?: string;
  /** How often it had been replayed. */
  readonly replay: number;
  /** When it was put there, ms since 1970. */
  readonly storedAt: number;
  /** Bytes of the event's body. */
  readonly size: number;
}

export const letterSubject = ({ path }: DeadQuery): string =>
  path === undefined ? 'mesh.dead.>' : deadSubject(path as ControlPath);

/** What somebody else put into the stream is shown too, as far as it can be read: it can be dropped. */
export function letterOf({ seq, subject, headers, storedAt, size }: StockHead): DeadLetter {
  const source = sourceIn(headers['mesh-meta']);
  return {
    ...factsIn({ headers, storedAt }),
    seq,
    id: headers['mesh-id'] ?? '',
    path: pathOfSubject(subject),
    replay: Number(headers['mesh-replay'] ?? 0) || 0,
    storedAt,
    size,
    ...(source === undefined ? {} : { source }),
  };
}

function factsIn({ headers, storedAt }: Pick<StockHead, 'headers' | 'storedAt'>): DeadLetterFacts {
  try {
    return decodeDeadLetter(headers);
  } catch (error) {
    if (!isMeshError(error)) throw error;
    return { reason: 'bad-event' satisfies DeadReason, error: error.message, attempts: 0, at: storedAt };
  }
}

function sourceIn(meta: string | undefined): string | undefined {
  try {
    const { source } = JSON.parse(meta ?? '{}') as { source?: unknown };
    return typeof source === 'string' ? source : 'nats';
  } catch {
    return undefined;
  }
}

/** The subject says the path; everything else is looked at here. */
export function matches({ reason, since, until }: DeadQuery, head: StockHead): boolean {
  if (since !== undefined && head.storedAt < since) return false;
  if (until !== undefined && head.storedAt >= until) return false;
  return reason === undefined || letterOf(head).reason === reason;
}
