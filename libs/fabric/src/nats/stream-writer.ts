import type { Msg } from '@nats-io/transport-node';
import {
  type ControlPath,
  DEAD_LETTER_ROOM,
  HEADER_ROOM_BYTES,
  isMeshError,
  MeshError,
  workSubject,
} from '#contracts';
import type { Connection } from '../connection.js';
import type { Accepted, StreamWriter, WorkPublisher } from '../work-queue.js';
import type { NatsMeshConnection } from './connect.js';
import { headerBlock } from './raw-message.js';
import { Requests } from './requests.js';

/** Longest wait for a stream's answer, ms: a server that syncs every write to a slow disk still makes it. */
const ANSWER_LIMIT_MS = 10_000;

/** The server's answer to a message of a stream. Of JetStream: ADR-1 of NATS. */
interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** The store refused it: a bound of the stream or of one subject is reached, or the server's disk is full. */
const FULL: readonly unknown[] = [10077, 10047, 10023];
/** The writer expected another last message of the subject. */
const WRONG_LAST_SEQUENCE: readonly unknown[] = [10071, 10164];

class NatsStreamWriter implements StreamWriter {
  readonly #requests: Requests;

  constructor(connection: NatsMeshConnection) {
    this.#requests = new Requests(connection);
    connection.onStatus((connected) => {
      // An answer that was on its way is lost with the connection; whoever waits may send again at once.
      if (!connected) this.#requests.rejectAll(new MeshError('not-connected'));
    });
  }

  get inFlight(): number {
    return this.#requests.inFlight;
  }

  write(subject: string, headers: Uint8Array, body: Uint8Array): Promise<Accepted> {
    return this.#requests
      .request(subject, headers, body, ANSWER_LIMIT_MS, readPubAck)
      .catch((error: unknown) => {
        throw isMeshError(error) && error.code === 'deadline-exceeded'
          ? new MeshError('not-connected', undefined, { cause: error })
          : error;
      });
  }

  idle(): Promise<void> {
    return this.#requests.idle();
  }
}

/** @throws MeshError what the server's refusal means */
function readPubAck(message: Msg): Accepted {
  const block = headerBlock(message);
  // No body, but a status: nobody listens on the subject, hence there is no stream.
  if (block && message.data.length === 0) throw new MeshError('not-found', 'There is no stream for it yet.');
  const { seq = 0, duplicate = false, error } = JSON.parse(message.string()) as PubAck;
  if (error) throw refusal(error);
  return { seq, duplicate };
}

function refusal({ err_code, description }: NonNullable<PubAck['error']>): MeshError {
  const cause = new Error(`JetStream ${err_code}: ${description}`);
  if (FULL.includes(err_code)) return new MeshError('queue-full', undefined, { cause });
  if (WRONG_LAST_SEQUENCE.includes(err_code)) return new MeshError('revision-mismatch', undefined, { cause });
  // The server is starting, or has no leader for the stream: it is worth another try.
  return new MeshError('not-connected', undefined, { cause });
}

export function createStreamWriter(connection: Connection): StreamWriter {
  return new NatsStreamWriter(connection as NatsMeshConnection);
}

export function createWorkPublisher(connection: Connection): WorkPublisher {
  const writer = createStreamWriter(connection);
  return {
    get inFlight() {
      return writer.inFlight;
    },
    publish: (path: ControlPath, headers, body) =>
      headers.length + body.length > connection.maxBody + HEADER_ROOM_BYTES - DEAD_LETTER_ROOM
        ? Promise.reject(
            new MeshError('payload-too-large', 'Body and headers together are too large to keep.'),
          )
        : writer.write(workSubject(path), headers, body),
    idle: () => writer.idle(),
  };
}
