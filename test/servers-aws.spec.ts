import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type AwsOptions, type AwsServer, startAws } from '#servers';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function aws(options?: AwsOptions): Promise<AwsServer> {
  const server = await startAws(options);
  closers.push(() => server.stop());
  return server;
}

function sqs({ endpoint, region, credentials }: AwsServer): SQSClient {
  const client = new SQSClient({ endpoint, region, credentials });
  closers.push(() => client.destroy());
  return client;
}

/** Local addresses on which a process listens, as proc(5) `net/tcp` shows them. */
function listening(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${hex}`))
    .map(([, local]) => local?.split(':')[0] ?? '');
}

describe('the SQS and S3 emulator', () => {
  it('carries a message from an AWS client to another, by the URL that createQueue gives', async () => {
    const server = await aws();
    const client = sqs(server);
    const QueueUrl = await server.createQueue('mesh');
    expect(await server.createQueue('mesh')).toBe(QueueUrl);
    const path = { DataType: 'String', StringValue: 'users/find' };
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}', MessageAttributes: { path } }));
    const received = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'], WaitTimeSeconds: 5 }),
    );
    const [message] = received.Messages ?? [];
    expect(message?.MessageAttributes?.path?.StringValue).toBe('users/find');
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  });

  it('takes messages by the URL that an AWS client looks up', async () => {
    const server = await aws();
    await server.createQueue('orders.fifo');
    const { QueueUrl } = await sqs(server).send(new GetQueueUrlCommand({ QueueName: 'orders.fifo' }));
    const sent = await sqs(server).send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'x',
        MessageGroupId: 'g',
        MessageDeduplicationId: '1',
      }),
    );
    expect(sent.SequenceNumber).toBeDefined();
  });

  it('listens on the loopback address alone', async () => {
    const { port } = await aws();
    // 127.0.0.1, as the kernel writes it.
    expect(listening(port)).toEqual(['0100007F']);
  });

  it('keeps messages and objects when killed, also on another port', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mesh-test-'));
    closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const first = await aws({ dataDir });
    const QueueUrl = await first.createQueue('mesh');
    await first.createBucket('artifacts');
    await sqs(first).send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept' }));
    await fetch(`${first.endpoint}/artifacts/a`, { method: 'PUT', body: 'object' });
    process.kill(first.pid, 'SIGKILL');
    await first.exited;

    const second = await aws({ dataDir });
    const url = await second.createQueue('mesh');
    await second.createBucket('artifacts');
    const received = await sqs(second).send(new ReceiveMessageCommand({ QueueUrl: url }));
    expect(received.Messages?.map(({ Body }) => Body)).toEqual(['kept']);
    expect(await (await fetch(`${second.endpoint}/artifacts/a`)).text()).toBe('object');
  });

  it('names the port that is taken and the variable to change', async () => {
    const { port } = await aws();
    await expect(startAws({ port, portVariable: 'MESH_AWS_PORT' })).rejects.toThrow(
      `Port ${port} on 127.0.0.1, wanted for aws, is already taken. Remedy: set MESH_AWS_PORT`,
    );
  });
});
