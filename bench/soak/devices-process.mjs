import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { connectAsync } from 'mqtt';
import { serve } from '../work/own-process.mjs';

/*
 * Who publishes to the broker and the queue, at a steady rate, for as long as it lives. What is asked of it is how many were
 * sent, and how many were not.
 */

const counts = { mqtt: 0, sqs: 0, failed: 0 };

function every(perSecond, send) {
  setInterval(async () => {
    try {
      await send();
    } catch {
      counts.failed++;
    }
  }, 1_000 / perSecond);
}

async function mqtt({ url, perSecond }) {
  const client = await connectAsync(url, { keepalive: 10 });
  client.on('error', () => counts.failed++);
  every(perSecond, async () => {
    await client.publishAsync('soak/works', '{"n":1}', { qos: 1 });
    counts.mqtt++;
  });
}

function sqs({ queue, endpoint, region, credentials, perSecond }) {
  const client = new SQSClient({ endpoint, region, credentials });
  every(perSecond, async () => {
    await client.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: '{"n":1}' }));
    counts.sqs++;
  });
}

serve(async (message) => {
  if (message.mqtt) await mqtt(message.mqtt);
  if (message.sqs) sqs(message.sqs);
  return counts;
});
