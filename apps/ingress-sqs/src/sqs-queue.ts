import {
  ChangeMessageVisibilityBatchCommand,
  type ChangeMessageVisibilityBatchCommandOutput,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { v4 as uuid } from 'uuid';
import { Batcher, MAX_BATCH } from './batcher.js';
import type { QueueName } from './queue-name.js';

/** Seconds that SQS keeps a receive open while nothing is there: its own maximum. */
export const LONG_POLL = 20;
/** How long a delete, or a change of visibility, waits for others to share its request, ms. */
const DELETE_LINGER_MS = 20;
const VISIBILITY_LINGER_MS = 50;

export interface QueueFacts {
  readonly url: string;
  readonly arn: string;
  readonly isFifo: boolean;
  /** For how long a received message is nobody else's, seconds; at least 1. */
  readonly visibility: number;
  /** After so many receives the queue moves a message to its dead-letter queue; absent: it has none. */
  readonly maxReceives: number | undefined;
}

/** Why one entry of a batch was not taken. */
export class EntryFault extends Error {
  constructor(
    override readonly name: string,
    message: string,
    /** Sent again it would fail again: its message is no longer in our hands. */
    readonly isFinal: boolean,
  ) {
    super(message);
  }
}

/** Whether asking again is in vain: the message is not ours any more, or its queue is gone. */
export const isFinal = (fault: unknown): boolean =>
  fault instanceof EntryFault ? fault.isFinal : fault instanceof Error && GONE.test(fault.name);
const GONE = /QueueDoesNotExist|NonExistentQueue/;

export type Operation = 'describe' | 'receive' | 'delete' | 'visibility';

/**
 * The four things that are done with a queue. Each rejects with the SDK's error, or for one message of a batch with an
 * {@link EntryFault}.
 */
export class SqsQueue {
  #url: string;
  readonly #deletes: Batcher<Message>;
  readonly #visibilities: Batcher<{ readonly message: Message; readonly seconds: number }>;

  /**
   * @param onRequest hears of each request that is made
   * @param mayFollow whether another message may soon be to be deleted too
   */
  constructor(
    private readonly client: SQSClient,
    readonly queue: QueueName,
    private readonly onRequest: (operation: Operation) => void,
    mayFollow: () => boolean,
  ) {
    this.#url = queue.url ?? '';
    this.#deletes = new Batcher((entries) => this.#deleteAll(entries), DELETE_LINGER_MS, mayFollow);
    this.#visibilities = new Batcher((entries) => this.#changeAll(entries), VISIBILITY_LINGER_MS);
  }

  /** Finds the queue, where only its name is known, and what it is like. */
  async describe(abortSignal: AbortSignal): Promise<QueueFacts> {
    this.#url = await this.#find(abortSignal);
    this.onRequest('describe');
    const request = new GetQueueAttributesCommand({
      QueueUrl: this.#url,
      AttributeNames: ['VisibilityTimeout', 'RedrivePolicy', 'QueueArn'],
    });
    const { Attributes: found } = await this.client.send(request, { abortSignal });
    return {
      url: this.#url,
      arn: found?.QueueArn ?? '',
      isFifo: this.#url.endsWith('.fifo'),
      visibility: Math.max(1, Number(found?.VisibilityTimeout ?? 30)),
      maxReceives: maxReceivesOf(found?.RedrivePolicy),
    };
  }

  async #find(abortSignal: AbortSignal): Promise<string> {
    const { url, name, account, region } = this.queue;
    if (url !== undefined) return url;
    const here = await this.client.config.region();
    if (region !== undefined && region !== here)
      throw new Error(`the queue is in ${region}, and this service is set to ${here}`);
    this.onRequest('describe');
    const request = new GetQueueUrlCommand({
      QueueName: name,
      ...(account === undefined ? {} : { QueueOwnerAWSAccountId: account }),
    });
    const { QueueUrl } = await this.client.send(request, { abortSignal });
    if (QueueUrl === undefined) throw new Error(`SQS names no URL for queue ${name}`);
    return QueueUrl;
  }

  /** @param wait seconds to wait for a first message, {@link LONG_POLL} at the most */
  async receive(
    most: number,
    wait: number,
    { visibility, isFifo }: QueueFacts,
    abortSignal: AbortSignal,
  ): Promise<Message[]> {
    this.onRequest('receive');
    const request = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: Math.min(most, MAX_BATCH),
      WaitTimeSeconds: wait,
      VisibilityTimeout: visibility,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
      // Repeated by the SDK after a connection was lost, it brings the same messages and not a locked group.
      ...(isFifo ? { ReceiveRequestAttemptId: uuid() } : {}),
    });
    return (await this.client.send(request, { abortSignal })).Messages ?? [];
  }

  delete(message: Message): Promise<void> {
    return this.#deletes.add(message);
  }

  /** @param seconds from now, after which others may receive the message */
  setVisibility(message: Message, seconds: number): Promise<void> {
    return this.#visibilities.add({ message, seconds });
  }

  async #deleteAll(messages: readonly Message[]): Promise<(Error | undefined)[]> {
    this.onRequest('delete');
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const request = new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries });
    return faultsOf(await this.client.send(request), messages.length);
  }

  async #changeAll(
    entries: readonly { readonly message: Message; readonly seconds: number }[],
  ): Promise<(Error | undefined)[]> {
    this.onRequest('visibility');
    const Entries = entries.map(({ message: { ReceiptHandle }, seconds }, index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: seconds,
    }));
    const request = new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries });
    return faultsOf(await this.client.send(request), entries.length);
  }
}

function faultsOf({ Failed = [] }: Pick<ChangeMessageVisibilityBatchCommandOutput, 'Failed'>, count: number) {
  const faults: (Error | undefined)[] = new Array(count).fill(undefined);
  for (const { Id, Code = 'Failed', Message: text = '', SenderFault } of Failed)
    faults[Number(Id)] = new EntryFault(Code, text, SenderFault ?? false);
  return faults;
}

/** `{"deadLetterTargetArn":"…","maxReceiveCount":5}`; the count may be a text. */
function maxReceivesOf(policy: string | undefined): number | undefined {
  if (!policy) return undefined;
  try {
    const count = Number((JSON.parse(policy) as { maxReceiveCount?: unknown }).maxReceiveCount);
    return count >= 1 ? count : undefined;
  } catch {
    return undefined;
  }
}
