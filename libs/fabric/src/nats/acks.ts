import { MeshError } from '#contracts';
import type { NatsMeshConnection } from './connect.js';
import { Requests } from './requests.js';

const CONFIRMED_WITHIN_MS = 5_000;
/** So many go out without waiting for more. */
const FULL = 64;
const ACK = Buffer.from('+ACK');

/** An acknowledgement that has not gone out. */
interface Unsent {
  readonly reply: string;
  resolve(): void;
  reject(error: MeshError): void;
}

/**
 * Confirmed acknowledgements of one consumer. They are gathered for as long as each turn of the event loop brings more,
 * which under load is until there are enough, and else one turn: a write to the socket costs as much as ten of them.
 * The server works them off in the order of the connection, so the answer to the last one speaks for those before it;
 * that costs a fifth less than an answer each, and where the server syncs every write, half. Were it ever wrong, a message would be delivered again, and none lost. Also what
 * was acknowledged before, or went to another meanwhile, is answered.
 */
export class Acks {
  readonly #connection: NatsMeshConnection;
  readonly #requests: Requests;
  #unsent: Unsent[] = [];
  /** How many there were a turn ago. */
  #before = 0;

  constructor(connection: NatsMeshConnection) {
    this.#connection = connection;
    this.#requests = new Requests(connection);
    connection.onStatus((connected) => {
      if (!connected) this.#requests.rejectAll(new MeshError('not-connected'));
    });
  }

  /** @throws MeshError `not-connected`: the server may not have heard of it */
  send(reply: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#unsent.push({ reply, resolve, reject }) === 1) setImmediate(() => this.#gather());
    });
  }

  #gather(): void {
    const count = this.#unsent.length;
    if (count === this.#before || count >= FULL) return this.#sendAll();
    this.#before = count;
    setImmediate(() => this.#gather());
  }

  #sendAll(): void {
    const batch = this.#unsent;
    this.#unsent = [];
    this.#before = 0;
    this.#confirm(batch).then(
      () => {
        for (const { resolve } of batch) resolve();
      },
      (cause: unknown) => {
        for (const { reject } of batch) reject(new MeshError('not-connected', undefined, { cause }));
      },
    );
  }

  async #confirm(batch: readonly Unsent[]): Promise<void> {
    const { nc, connected } = this.#connection;
    if (!connected) throw new MeshError('not-connected');
    const last = batch.length - 1;
    for (let i = 0; i < last; i++) nc.publish(batch[i]?.reply ?? '', ACK);
    await this.#requests.requestNow(
      batch[last]?.reply ?? '',
      undefined,
      ACK,
      CONFIRMED_WITHIN_MS,
      () => undefined,
    );
  }
}
