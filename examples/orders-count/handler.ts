import { handler, type SqsAnswer } from '@lambda-mesh/handler';

/**
 * Written as for Lambda behind a queue: it is given records, and says which of them failed. From a queue they come as a
 * batch; from any other source there is one, and where that one failed, the event is tried again.
 */
export default handler(
  'orders/count',
  { version: '1.0.0', event: 'sqs' },
  async ({ Records }, { log }): Promise<SqsAnswer> => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    let count = 0;
    for (const { messageId, body } of Records) {
      const quantity = quantityIn(body);
      if (quantity === undefined) batchItemFailures.push({ itemIdentifier: messageId });
      else count += quantity;
    }
    log(`${count} ordered`, { failed: batchItemFailures.length });
    return { batchItemFailures };
  },
);

function quantityIn(body: string): number | undefined {
  try {
    const { quantity } = JSON.parse(body) as { quantity?: unknown };
    return typeof quantity === 'number' ? quantity : undefined;
  } catch {
    return undefined;
  }
}
