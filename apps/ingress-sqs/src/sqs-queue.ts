import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { IngressSqsConfig } from './config.js';

/** Seconds that SQS keeps a receive open while nothing is there: its own maximum. */
export const LONG_POLL = 20;
/** Longer than a long poll, ms; and how long to wait for a connection. */
const REQUEST_LIMIT_MS = 30_000;
const CONNECT_LIMIT_MS = 5_000;
/** SQS gives so many at once at the most. */
export const MAX_BATCH = 10;

export interface QueueFacts {
  /** For how long a received message is nobody else's, seconds; at least 1. */
  readonly visibility: number;
  /** Whether the queue moves what fails too often to a dead-letter queue. */
  readonly redrives: boolean;
}

/** The four things that are done with a queue. Each rejects with the SDK's error. */
export class SqsQueue {
  readonly #isFifo: boolean;

  constructor(
    private readonly client: SQSClient,
    private readonly url: string,
  ) {
    this.#isFifo = url.endsWith('.fifo');
  }

  async describe(abortSignal: AbortSignal): Promise<QueueFacts> {
    const request = new GetQueueAttributesCommand({
      QueueUrl: this.url,
      AttributeNames: ['VisibilityTimeout', 'RedrivePolicy'],
    });
    const { Attributes: found } = await this.client.send(request, { abortSignal });
    return {
      visibility: Math.max(1, Number(found?.VisibilityTimeout ?? 30)),
      redrives: Boolean(found?.RedrivePolicy),
    };
  }

  /** @param wait seconds to wait for a first message, {@link LONG_POLL} at the most */
  async receive(
    room: number,
    wait: number,
    { visibility }: QueueFacts,
    abortSignal: AbortSignal,
  ): Promise<Message[]> {
    const request = new ReceiveMessageCommand({
      QueueUrl: this.url,
      // A FIFO queue locks a group while one of it is in flight, but gives several of it in one batch. One at a
      // time keeps their order without any bookkeeping.
      MaxNumberOfMessages: this.#isFifo ? 1 : Math.min(room, MAX_BATCH),
      WaitTimeSeconds: wait,
      VisibilityTimeout: visibility,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return (await this.client.send(request, { abortSignal })).Messages ?? [];
  }

  async delete({ ReceiptHandle }: Message): Promise<void> {
    await this.client.send(new DeleteMessageCommand({ QueueUrl: this.url, ReceiptHandle }));
  }

  /** @param seconds from now, after which others may receive the message */
  async setVisibility({ ReceiptHandle }: Message, seconds: number): Promise<void> {
    await this.client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: this.url,
        ReceiptHandle,
        VisibilityTimeout: seconds,
      }),
    );
  }
}

/** What is not configured the SDK finds itself: shared configuration files, a container's or an instance's role. */
export function createSqsClient(config: IngressSqsConfig): SQSClient {
  const endpoint = config.sqsEndpoint ?? config.awsEndpoint;
  // Each queue keeps one connection busy with its long poll; the others must find some free.
  const agent = { keepAlive: true, maxSockets: config.queues.length + config.concurrency + 50 };
  return new SQSClient({
    requestHandler: {
      requestTimeout: REQUEST_LIMIT_MS,
      connectionTimeout: CONNECT_LIMIT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(config.awsRegion === undefined ? {} : { region: config.awsRegion }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...credentialsOf(config),
  });
}

function credentialsOf({ awsAccessKeyId, awsSecretAccessKey, awsSessionToken }: IngressSqsConfig) {
  if (awsAccessKeyId === undefined || awsSecretAccessKey === undefined) return {};
  return {
    credentials: {
      accessKeyId: awsAccessKeyId,
      secretAccessKey: awsSecretAccessKey,
      ...(awsSessionToken === undefined ? {} : { sessionToken: awsSessionToken }),
    },
  };
}
