import { SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import { serve } from '../work/own-process.mjs';

/**
 * sqs-consumer as its documentation has it, ten messages a receive; what it does with each is next to nothing. With
 * BENCH_BATCHES it takes and deletes ten at once, else one by one, ten of them side by side.
 */
const { BENCH_QUEUE, BENCH_ENDPOINT, BENCH_BATCHES } = process.env;
const work = (message) => ({ ok: JSON.parse(message.Body) !== undefined });
const handle = BENCH_BATCHES
  ? {
      handleMessageBatch: async (messages) => {
        for (const message of messages) work(message);
        return messages;
      },
    }
  : {
      handleMessage: async (message) => {
        work(message);
        return message;
      },
    };

const consumer = Consumer.create({
  queueUrl: BENCH_QUEUE,
  sqs: new SQSClient({ endpoint: BENCH_ENDPOINT }),
  batchSize: 10,
  ...handle,
});
consumer.on('error', (error) => process.send({ fault: error.stack }));
consumer.start();
serve(() => undefined);
