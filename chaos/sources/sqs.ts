import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsServer } from '#servers';
import type { Source } from './source.ts';

const LIMIT_MS = 10_000;

export function sqsClient({ endpoint, region, credentials }: AwsServer): SQSClient {
  // Each try is the harness's own, so that it is on record.
  return new SQSClient({ endpoint, region, credentials, maxAttempts: 1 });
}

export function sqsSource(aws: AwsServer, queue: string): Source {
  const client = sqsClient(aws);
  return {
    name: 'sqs',
    mix: { slow: 30, flaky: 10, poison: 2 },
    lanes: 12,
    ordered: false,
    send: async (event) => {
      const command = new SendMessageCommand({ QueueUrl: queue, MessageBody: JSON.stringify(event) });
      await client.send(command, { abortSignal: AbortSignal.timeout(LIMIT_MS) });
      return 'accepted';
    },
    close: () => Promise.resolve(client.destroy()),
  };
}

/** A lane is a message group; what is sent again is recognised by its id. */
export function fifoSource(aws: AwsServer, queue: string): Source {
  const client = sqsClient(aws);
  return {
    name: 'fifo',
    mix: { slow: 5, flaky: 5 },
    lanes: 20,
    ordered: true,
    send: async (event, lane) => {
      const command = new SendMessageCommand({
        QueueUrl: queue,
        MessageBody: JSON.stringify(event),
        MessageGroupId: `group-${lane}`,
        MessageDeduplicationId: event.id,
      });
      await client.send(command, { abortSignal: AbortSignal.timeout(LIMIT_MS) });
      return 'accepted';
    },
    close: () => Promise.resolve(client.destroy()),
  };
}
