import { describe, expect, it } from '@jest/globals';
import { queueList } from './queue-binding.js';

const A = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const B = 'http://127.0.0.1:4566/000000000000/mesh';

describe('MESH_SQS_QUEUES', () => {
  it('binds queues to handlers, or leaves it to their messages', () => {
    expect(queueList.parse(`${A}=users/find@canary, ${B}`)).toEqual([
      { url: A, name: 'orders', handler: { path: 'users/find', version: 'canary' } },
      { url: B, name: 'mesh' },
    ]);
  });

  it('tells queues of one name apart by their URLs', () => {
    const other = A.replace('eu-west-1', 'us-east-1');
    expect(queueList.parse(`${A},${other},${B}`).map(({ name }) => name)).toEqual([A, other, 'mesh']);
  });

  it.each([
    [',', 'no queue is named'],
    ['orders', '"orders" is not a URL'],
    ['ftp://sqs/1/orders', 'not an http(s) URL'],
    [`${A}/`, 'does not end in the name of a queue'],
    [`${A}=Users/Find`, 'must match'],
    [`${A}=`, 'at least one segment'],
    [`${A}=users/find@`, 'semantic version'],
    [`${A},${A}=users/find`, 'named twice'],
  ])('refuses %s', (value, reason) => {
    const { error } = queueList.safeParse(value);
    expect(error?.issues[0]?.message).toContain(reason);
  });
});
