import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './child.js';
import { claimFolder } from './claim.js';
import { dataFolder } from './folder.js';
import { expectFree, LOOPBACK } from './port.js';
import { ServerError } from './server-error.js';

export interface AwsOptions {
  /** Where queues, messages and objects are kept; absent: a temporary folder, removed at the stop. */
  readonly dataDir?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** The variable that sets `port`, named when the port is taken. */
  readonly portVariable?: string;
}

/** An emulator of SQS and S3 (fauxqs): real wire protocols, no real durability or limits. */
export interface AwsServer {
  readonly pid: number;
  readonly port: number;
  /** For every AWS client: `http://127.0.0.1:<port>`. S3 clients need `forcePathStyle: true`. */
  readonly endpoint: string;
  readonly region: string;
  /** Any are accepted; these are what to give a client that insists. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes a queue unless it is there; a name that ends in `.fifo` makes a FIFO queue. Resolves with its URL. */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Makes a bucket unless it is there. */
  createBucket(name: string): Promise<void>;
  log(): string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

/**
 * Starts the SQS and S3 emulator on the loopback address; resolves when it takes connections.
 * @throws ServerError when the port is taken, the folder is in use, or it ends while starting
 */
export async function startAws(options: AwsOptions = {}): Promise<AwsServer> {
  const { port = 0, portVariable: variable } = options;
  await expectFree('aws', { port, variable });
  const folder = await dataFolder('aws', options.dataDir);
  const claim = await claimFolder('aws', folder.path, 'SIGTERM');
  const cleanUp = () => {
    claim.release();
    folder.discard();
  };
  let actual = port;
  try {
    const server = await launch({
      server: 'aws',
      command: process.execPath,
      args: [mainFile(), String(port), join(folder.path, 'data')],
      ready: /^ready on port \d+$/,
      stopSignal: 'SIGTERM',
      onStarted: claim.started,
      onLine: (line) => {
        actual = Number(/^ready on port (\d+)$/.exec(line)?.[1] ?? actual);
      },
    });
    void server.exited.then(cleanUp);
    return { ...server, ...clientOf(actual) };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

/** Beside this file, compiled as this file is. */
const mainFile = (): string =>
  fileURLToPath(new URL(`./aws-main${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

function clientOf(port: number): Omit<AwsServer, 'pid' | 'log' | 'exited' | 'stop'> {
  const endpoint = `http://${LOOPBACK}:${port}`;
  return {
    port,
    endpoint,
    region: REGION,
    credentials: { accessKeyId: 'mesh', secretAccessKey: 'mesh' },
    createQueue: async (name, attributes = {}) => {
      await send('CreateQueue', `${endpoint}/`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'AmazonSQS.CreateQueue',
        },
        body: JSON.stringify({ QueueName: name, Attributes: attributes }),
      });
      // Not the URL in the answer: its host, sqs.<region>.localhost, is one that many resolvers do not know.
      return `${endpoint}/${ACCOUNT}/${name}`;
    },
    createBucket: (name) => send('CreateBucket', `${endpoint}/${name}`, { method: 'PUT' }, [409]),
  };
}

async function send(what: string, url: string, request: RequestInit, fine: number[] = []): Promise<void> {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok && !fine.includes(response.status))
    throw new ServerError('aws', `${what} was refused (${response.status}): ${text}`);
}
