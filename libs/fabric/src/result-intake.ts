import type { ResultEnvelope } from '#contracts';

/** A result that came for work of which the answer was asked for (`mesh-reply`). */
export interface IncomingResult {
  /** What its subject was made from. */
  readonly token: string;
  readonly result: ResultEnvelope;
  /** A view into a larger buffer: copy what is to be kept. */
  readonly body: Uint8Array;
}

/**
 * Takes the results of work. The subject says all that is needed to hand a result on, so that any replica of a service
 * can: whoever asked may have been restarted since.
 */
export interface ResultIntake {
  /** The subject for `mesh-reply`; `undefined` where the token is too long or not fit for one. */
  subjectOf(token: string): string | undefined;
  /** Takes part: of all replicas that do, one gets each result. Of a reply that is none nobody hears. */
  start(): void;
  /** Takes no more; what was sent here before still comes. */
  stop(): Promise<void>;
}
