import { S3Client } from '@aws-sdk/client-s3';
import type { S3Config } from './settings.js';

/** How long to wait for a connection, and for an answer or the next piece of it, ms. */
const CONNECT_LIMIT_MS = 5_000;
const SILENCE_LIMIT_MS = 10_000;
const ATTEMPTS = 3;
/** Servers that are not AWS ask for a region and take any. */
const ANY_REGION = 'us-east-1';

/** What is not configured the SDK finds itself: shared configuration files, a container's or an instance's role. */
export function createS3Client(config: S3Config): S3Client {
  const endpoint = config.s3Endpoint ?? config.awsEndpoint;
  const region = config.awsRegion ?? (endpoint === undefined ? undefined : ANY_REGION);
  return new S3Client({
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_LIMIT_MS,
      requestTimeout: SILENCE_LIMIT_MS,
      // Without this the limit is a warning in the log and no limit.
      throwOnRequestTimeout: true,
      socketTimeout: SILENCE_LIMIT_MS,
    },
    // Other servers refuse the checksums that newer SDKs add of themselves; artifacts are checked against their digest.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(region === undefined ? {} : { region }),
    // Buckets in the path: a server of one's own seldom has a host name for each.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...credentialsOf(config),
  });
}

function credentialsOf({ awsAccessKeyId, awsSecretAccessKey, awsSessionToken }: S3Config) {
  if (awsAccessKeyId === undefined || awsSecretAccessKey === undefined) return {};
  return {
    credentials: {
      accessKeyId: awsAccessKeyId,
      secretAccessKey: awsSecretAccessKey,
      ...(awsSessionToken === undefined ? {} : { sessionToken: awsSessionToken }),
    },
  };
}
