import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { healthSettings } from '#lifecycle';
import { queueList } from './queue-binding.js';

export const settings = {
  ...natsSettings,
  queues: setting({
    variable: 'MESH_SQS_QUEUES',
    schema: queueList,
    description:
      'Queues to receive from, separated by commas: `queueUrl=users/find`, or `queueUrl` alone for a queue whose messages name their handler in the message attribute `path`.',
    remedy: 'queue URLs such as https://sqs.eu-west-1.amazonaws.com/123456789012/orders=orders/take',
  }),
  concurrency: setting({
    variable: 'MESH_SQS_CONCURRENCY',
    schema: text.integer(1, 1_000),
    fallback: '10',
    description: 'Messages of one queue in hand at once; no more are received than there is room for.',
    remedy: 'a whole number from 1 to 1000',
  }),
  awsRegion: setting({
    variable: 'AWS_REGION',
    schema: text.string(),
    optional: true,
    description: 'Region of the queues. Unset: what the AWS SDK finds itself (shared config, instance role).',
    remedy: 'a region such as eu-west-1',
  }),
  sqsEndpoint: setting({
    variable: 'AWS_ENDPOINT_URL_SQS',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'Where SQS is reached, for an emulator or a private endpoint.',
    remedy: 'a URL such as http://127.0.0.1:4566',
  }),
  awsEndpoint: setting({
    variable: 'AWS_ENDPOINT_URL',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'As AWS_ENDPOINT_URL_SQS, for every AWS service; the one for SQS goes first.',
    remedy: 'a URL such as http://127.0.0.1:4566',
  }),
  awsAccessKeyId: setting({
    variable: 'AWS_ACCESS_KEY_ID',
    schema: text.string(),
    optional: true,
    description: 'AWS access key, together with AWS_SECRET_ACCESS_KEY. Unset: what the AWS SDK finds itself.',
    remedy: 'the id of an access key',
  }),
  awsSecretAccessKey: setting({
    variable: 'AWS_SECRET_ACCESS_KEY',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Secret of that access key.',
    remedy: 'the secret of the access key',
  }),
  awsSessionToken: setting({
    variable: 'AWS_SESSION_TOKEN',
    schema: text.string(),
    optional: true,
    secret: true,
    description: 'Session token, where the access key is a temporary one.',
    remedy: 'the session token that came with the access key',
  }),
  ...healthSettings(8083),
};

export type IngressSqsConfig = Config<typeof settings>;
