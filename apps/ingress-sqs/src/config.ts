import { type Config, setting, text } from '#contracts';
import { natsSettings } from '#fabric';
import { healthSettings } from '#lifecycle';
import { queueList } from './queue-binding.js';

export const settings = {
  ...natsSettings,
  queues: setting({
    variable: 'MESH_SQS_QUEUES',
    schema: queueList,
    optional: true,
    description:
      'Queues to receive from, separated by commas: `queueUrl=users/find`, or `queueUrl` alone for a queue whose messages name their handler in the message attribute `path`. They go before what triggers say.',
    remedy: 'queue URLs such as https://sqs.eu-west-1.amazonaws.com/123456789012/orders=orders/take',
  }),
  triggerQueues: setting({
    variable: 'MESH_SQS_TRIGGER_QUEUES',
    schema: text.list(),
    fallback: '*',
    description:
      "Which other queues the triggers of handlers may name: patterns of names or ARNs, separated by commas, `*` for any characters; URLs only by a pattern that says so. `none`: only the operator's.",
    remedy: 'patterns such as orders-*,arn:aws:sqs:eu-west-1:123456789012:bills',
  }),
  maxQueues: setting({
    variable: 'MESH_SQS_MAX_QUEUES',
    schema: text.integer(0, 1_000),
    fallback: '100',
    description: 'How many queues triggers may add; what is named beyond is not received from.',
    remedy: 'a whole number from 0 to 1000',
  }),
  maxReceives: setting({
    variable: 'MESH_SQS_MAX_RECEIVES',
    schema: text.integer(1, 1_000),
    fallback: '10',
    description:
      "After so many receives a message that fails goes to the mesh's dead letters, if its queue has no redrive policy of its own.",
    remedy: 'a whole number from 1 to 1000',
  }),
  backoff: setting({
    variable: 'MESH_SQS_BACKOFF',
    schema: text.integer(0, 43_200),
    fallback: '1',
    description:
      'Seconds until a message that failed is delivered again, at the most after its first receive; doubled with each one.',
    remedy: 'a whole number of seconds, 43200 at the most',
  }),
  maxBackoff: setting({
    variable: 'MESH_SQS_MAX_BACKOFF',
    schema: text.integer(1, 43_200),
    fallback: '300',
    description: 'Longest back-off, seconds.',
    remedy: 'a whole number of seconds from 1 to 43200',
  }),
  concurrency: setting({
    variable: 'MESH_SQS_CONCURRENCY',
    schema: text.integer(1, 1_000),
    fallback: '64',
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
