import { describe, expect, it } from '@jest/globals';
import { encodeRecords, failuresIn } from './records.js';

const ARN = 'arn:aws:sqs:eu-west-1:123456789012:orders.fifo';

describe('several messages as one event', () => {
  it('have the words of Lambda', () => {
    const message = {
      MessageId: 'm-1',
      ReceiptHandle: 'r-1',
      Body: 'ä "quoted"',
      MD5OfBody: 'abc',
      Attributes: { ApproximateReceiveCount: '3', MessageGroupId: 'g', SequenceNumber: '17' },
      MessageAttributes: {
        tenant: { DataType: 'String', StringValue: 'ä' },
        count: { DataType: 'Number.int', StringValue: '7' },
        blob: { DataType: 'Binary.png', BinaryValue: Uint8Array.of(0, 1, 255) },
      },
    };
    const lists = { stringListValues: [], binaryListValues: [] };
    expect(JSON.parse(Buffer.from(encodeRecords([message, {}], ARN)).toString())).toEqual({
      Records: [
        {
          messageId: 'm-1',
          receiptHandle: 'r-1',
          body: 'ä "quoted"',
          attributes: { ApproximateReceiveCount: '3', MessageGroupId: 'g', SequenceNumber: '17' },
          messageAttributes: {
            tenant: { stringValue: 'ä', dataType: 'String', ...lists },
            count: { stringValue: '7', dataType: 'Number.int', ...lists },
            blob: { binaryValue: 'AAH/', dataType: 'Binary.png', ...lists },
          },
          md5OfBody: 'abc',
          eventSource: 'aws:sqs',
          eventSourceARN: ARN,
          awsRegion: 'eu-west-1',
        },
        expect.objectContaining({ messageId: '', attributes: {}, messageAttributes: {} }),
      ],
    });
  });
});

describe('what a handler says of its messages', () => {
  const ids = new Set(['a', 'b', 'c']);
  const said = (answer: string) => failuresIn(Buffer.from(answer), ids);
  const failures = (...items: unknown[]) => said(JSON.stringify({ batchItemFailures: items }));

  it.each(['', ' \n', 'null', '{}', '{"batchItemFailures":null}', '{"batchItemFailures":[]}', '{"done":3}'])(
    'none failed: %j',
    (answer) => expect(said(answer)).toEqual(new Set()),
  );

  it('some failed, each counted once', () => {
    expect(failures({ itemIdentifier: 'b' })).toEqual(new Set(['b']));
    expect(failures({ itemIdentifier: 'c' }, { itemIdentifier: 'a' }, { itemIdentifier: 'c' })).toEqual(
      new Set(['a', 'c']),
    );
  });

  it.each<[string, unknown]>([
    ['an empty id', { itemIdentifier: '' }],
    ['a null id', { itemIdentifier: null }],
    ['a number', { itemIdentifier: 1 }],
    ['another key', { messageId: 'a' }],
    ['an id that is not in hand', { itemIdentifier: 'd' }],
    ['null', null],
    ['text', 'a'],
  ])('all failed, also beside a good one: %s', (_, item) =>
    expect(failures({ itemIdentifier: 'a' }, item)).toBe('all'),
  );

  it.each([
    '{',
    'done',
    '"done"',
    '3',
    'true',
    '[]',
    '{"batchItemFailures":{}}',
    '{"batchItemFailures":"a"}',
  ])('all failed: %s', (answer) => expect(said(answer)).toBe('all'));
});
