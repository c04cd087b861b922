import type { Message } from '@aws-sdk/client-sqs';
import type { Complaints, Log } from '#lifecycle';
import { wordsOf } from './dead-letters.js';
import type { InHand } from './in-hand.js';
import type { PlannedQueue } from './queue-plan.js';
import type { QueueFacts } from './sqs-queue.js';
import type { Verdict } from './verdict.js';

export interface QueueLogParts {
  readonly log: Log;
  readonly complaints: Complaints;
  /** After so many receives a message becomes a dead letter of the mesh, where its queue has none. */
  readonly maxReceives: number;
}

const NOT_DELETED = {
  release: 'A message was not taken; it is left to its queue.',
  hold: 'A message is held: the mesh cannot take it now.',
} as const;

/** What is said of one queue and its messages. Of messages there may be thousands a second: some speak for all. */
export class QueueLog {
  constructor(
    private readonly parts: QueueLogParts,
    private readonly queue: () => string,
  ) {}

  opened(facts: QueueFacts, { binding }: PlannedQueue, wasFailing: boolean): void {
    const { log, maxReceives } = this.parts;
    log.info(`Receiving from queue ${this.queue()}${wasFailing ? ' again' : ''}.`, {
      url: facts.url,
      handler: binding.handler?.path ?? 'by message attribute "path"',
      visibilitySeconds: facts.visibility,
    });
    if (facts.maxReceives === undefined && !wasFailing)
      log.warn(
        `Queue ${this.queue()} has no redrive policy: what fails ${maxReceives} times goes to the mesh's dead letters.`,
      );
  }

  failed({ key }: PlannedQueue, fault: string): void {
    this.parts.log.error(`Queue ${this.queue()} cannot be received from; trying again until it can.`, {
      queue: key,
      fault,
    });
  }

  readonly notTaken = ({ message }: InHand, { settlement, outcome, fault }: Verdict): void => {
    if (settlement !== 'delete') this.#complain(outcome, NOT_DELETED[settlement], message, fault);
  };

  readonly notSettled = (what: string, { message }: InHand, error: unknown): void =>
    this.#complain(what, `A message could not be settled (${what}).`, message, error);

  readonly notExtended = (message: Message, error: unknown): void =>
    this.#complain('heartbeat', 'The visibility of a message could not be extended.', message, error);

  #complain(kind: string, text: string, message: Message, fault: unknown): void {
    this.parts.complaints.warn(kind, text, {
      queue: this.queue(),
      messageId: message.MessageId,
      receiveCount: message.Attributes?.ApproximateReceiveCount,
      reason: kind,
      ...(fault instanceof Error ? { detail: wordsOf(fault) } : {}),
    });
  }
}
