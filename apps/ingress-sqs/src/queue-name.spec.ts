import { describe, expect, it } from '@jest/globals';
import { isSameQueue, type QueueName, readQueueName } from './queue-name.js';

const AWS = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';

describe('the name of a queue', () => {
  it.each<[string, QueueName]>([
    ['orders', { name: 'orders' }],
    ['Orders_1.fifo', { name: 'Orders_1.fifo' }],
    [
      'arn:aws-cn:sqs:cn-north-1:123456789012:orders.fifo',
      { name: 'orders.fifo', account: '123456789012', region: 'cn-north-1' },
    ],
    [AWS, { name: 'orders', account: '123456789012', region: 'eu-west-1', url: AWS }],
    [
      'http://127.0.0.1:4566/000000000000/mesh',
      { name: 'mesh', account: '000000000000', url: 'http://127.0.0.1:4566/000000000000/mesh' },
    ],
  ])('%s', (text, name) => expect(readQueueName(text)).toEqual(name));

  it.each([
    'a b',
    'orders.txt',
    'x'.repeat(81),
    'arn:aws:sns:eu-west-1:123456789012:orders',
    'ftp://h/1/q',
    'http://h/1/',
  ])('%s is none', (text) => expect(readQueueName(text)).toBeUndefined());
});

describe('two names', () => {
  const same = (a: string, b: string) =>
    isSameQueue(readQueueName(a) as QueueName, readQueueName(b) as QueueName);

  it('are one queue unless they disagree', () => {
    expect(same('orders', AWS)).toBe(true);
    expect(same('arn:aws:sqs:eu-west-1:123456789012:orders', AWS)).toBe(true);
    expect(same('arn:aws:sqs:us-east-1:123456789012:orders', AWS)).toBe(false);
    expect(same('arn:aws:sqs:eu-west-1:000000000000:orders', AWS)).toBe(false);
    expect(same('order', AWS)).toBe(false);
    expect(same(AWS, AWS.replace('eu-west', 'us-east'))).toBe(false);
  });
});
