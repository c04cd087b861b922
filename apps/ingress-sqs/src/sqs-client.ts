import { SQSClient } from '@aws-sdk/client-sqs';
import type { IngressSqsConfig } from './config.js';

/** Longer than a long poll, ms; and how long to wait for a connection. */
const REQUEST_LIMIT_MS = 30_000;
const CONNECT_LIMIT_MS = 5_000;
/** Sockets beside those that long polls keep busy. */
const SPARE_SOCKETS = 100;

/** What is not configured the SDK finds itself: shared configuration files, a container's or an instance's role. */
export function createSqsClient(config: IngressSqsConfig): SQSClient {
  const endpoint = config.sqsEndpoint ?? config.awsEndpoint;
  const agent = {
    keepAlive: true,
    maxSockets: (config.queues?.length ?? 0) + config.maxQueues + SPARE_SOCKETS,
  };
  return new SQSClient({
    requestHandler: {
      requestTimeout: REQUEST_LIMIT_MS,
      connectionTimeout: CONNECT_LIMIT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(config.awsRegion === undefined ? {} : { region: config.awsRegion }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...credentialsOf(config),
  });
}

function credentialsOf({ awsAccessKeyId, awsSecretAccessKey, awsSessionToken }: IngressSqsConfig) {
  if (awsAccessKeyId === undefined || awsSecretAccessKey === undefined) return {};
  return {
    credentials: {
      accessKeyId: awsAccessKeyId,
      secretAccessKey: awsSecretAccessKey,
      ...(awsSessionToken === undefined ? {} : { sessionToken: awsSessionToken }),
    },
  };
}
