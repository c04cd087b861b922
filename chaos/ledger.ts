/*
 * What the producers know of each event, and what was found of it afterwards. All times are ms since 1970 of one
 * machine, so that they compare.
 */

/** What the handler is told to do with an event. */
export type Behaviour =
  | 'ok'
  /** Takes its time, so that faults find it at work. */
  | 'slow'
  /** FAIL: the handler says no, which is final. */
  | 'refuse'
  /** Throws at the first attempt, and at no other. */
  | 'flaky'
  /** Throws at each attempt. */
  | 'poison';

/** One try of a producer to get rid of an event. */
export interface Send {
  readonly at: number;
  ended?: number;
  /** Why it was not acknowledged. */
  fault?: string;
}

/** An event, as its producer knows it. */
export interface Sent {
  readonly id: string;
  readonly source: string;
  readonly behaviour: Behaviour;
  /** Not sent again when no acknowledgement comes. */
  readonly once: boolean;
  /** Place in an order that must be kept; absent where there is none. */
  readonly lane?: number;
  readonly sends: Send[];
  /** When its producer was told that it is taken; absent: never. */
  acked?: number;
  /** A call was answered with the handler's no: the caller knows, and nothing is owed. */
  refused?: boolean;
}

/** A row that a handler wrote: one run that came to its end. */
export interface Run {
  readonly id: string;
  readonly at: number;
  readonly attempt: number;
  /** Of the executor. */
  readonly pid: number;
}

/** Something that was inflicted. */
export interface Fault {
  readonly kind: 'kill' | 'freeze' | 'cut' | 'end';
  /** The unit that it happened to. */
  readonly target: string;
  readonly from: number;
  /** When that unit was ready again; absent: not yet. */
  until?: number;
}

export type Ledger = Map<string, Sent>;
