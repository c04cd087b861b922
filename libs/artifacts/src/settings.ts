import { type Config, setting, text } from '#contracts';
import { location } from './location.js';

/** How S3 is reached: AWS's own variables. What is not set the AWS SDK finds itself. */
export const s3Settings = {
  awsRegion: setting({
    variable: 'AWS_REGION',
    schema: text.string(),
    optional: true,
    description: 'AWS region. Unset: what the AWS SDK finds itself (shared config, instance role).',
    remedy: 'a region such as eu-west-1',
  }),
  s3Endpoint: setting({
    variable: 'AWS_ENDPOINT_URL_S3',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'Where S3 is reached, for an emulator, a private endpoint or another S3-compatible server.',
    remedy: 'a URL such as http://127.0.0.1:4566',
  }),
  awsEndpoint: setting({
    variable: 'AWS_ENDPOINT_URL',
    schema: text.url('http:', 'https:'),
    optional: true,
    description: 'Where every AWS service is reached; the variable of one service goes first.',
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
};
export type S3Config = Config<typeof s3Settings>;

/** Where artifacts lie: the same for the registry, which writes them, and the executors, which read them. */
export const artifactSettings = {
  ...s3Settings,
  artifactsUrl: setting({
    variable: 'MESH_ARTIFACTS_URL',
    schema: location('file', 's3', 'nats'),
    description:
      'Where artifacts are kept; registry and executors must reach the same place. A folder, a bucket of S3, or an object store of NATS.',
    remedy: 'file:///var/lib/mesh/artifacts, s3://bucket/prefix or nats://mesh_artifacts',
  }),
};
export type ArtifactConfig = Config<typeof artifactSettings>;
