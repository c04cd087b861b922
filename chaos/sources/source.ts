import type { Behaviour } from '../ledger.ts';

/** What a producer sends: the body of the event, as JSON. */
export interface Numbered {
  readonly id: string;
  readonly behaviour: Behaviour;
}

/** What a producer is told. `refused`: a call was answered with the handler's no. */
export type Acknowledgement = 'accepted' | 'refused';

/** A kind of producer, as the world has them: none uses code of the mesh. */
export interface Source {
  readonly name: string;
  /** What it sends, and how often in a thousand; the rest is `ok`. */
  readonly mix: Partial<Record<Behaviour, number>>;
  /** Events at once. Within a lane one follows the other. */
  readonly lanes: number;
  /** The events of a lane must run in their order. */
  readonly ordered: boolean;
  /**
   * Sends one event once.
   * @throws when it was not acknowledged, or not in time: it may have been accepted all the same
   */
  send(event: Numbered, lane: number): Promise<Acknowledgement>;
  /** Promises that were not kept, though all is quiet; absent: there are none beside the acknowledgement. */
  broken?(): Promise<string[]>;
  close(): Promise<void>;
}

/** The answer to a call that failed, or to a request that was not taken. */
export class NotAcknowledged extends Error {}
