import { type ErrorCode, isErrorCode, MeshError } from '#contracts';
import { describe } from '#handler/runtime';
import { Inflow, Outflow } from './flow.js';
import { type CrossingBody, type FlowMessage, fromCrossing } from './worker-protocol.js';

/**
 * The bodies in pieces of the runs of one worker, on either side of it: a run's key names them, since it has one at the
 * most in each direction.
 *
 *   chunk  end  break      what comes, for an `Inflow`
 *   credit  cancel         what the other side says of an `Outflow`
 */
export class Flows {
  readonly #in = new Map<number, Inflow>();
  readonly #out = new Map<number, Outflow>();

  /** @param crossing a piece as it crosses */
  constructor(
    private readonly send: (message: FlowMessage) => void,
    private readonly crossing: (piece: Uint8Array) => CrossingBody,
  ) {}

  /** What is going to come. */
  take(key: number): Inflow {
    const inflow = new Inflow(
      (bytes) => this.send(['credit', key, bytes]),
      () => {
        this.#in.delete(key);
        this.send(['cancel', key]);
      },
    );
    this.#in.set(key, inflow);
    return inflow;
  }

  /**
   * Sends what a source gives. Resolves when nothing follows and that was said.
   * @param ended what to wait for before it is said
   */
  async give(key: number, source: AsyncIterable<Uint8Array>, ended?: Promise<void>): Promise<void> {
    const outflow = new Outflow(source, (piece) => this.send(['chunk', key, this.crossing(piece)]));
    this.#out.set(key, outflow);
    const fault = await outflow.run();
    await ended;
    this.#out.delete(key);
    this.send(fault ? breakOf(key, fault) : ['end', key]);
  }

  /** @throws Error for what nobody sends who means well */
  receive(message: FlowMessage): void {
    const key = message[1];
    switch (message[0]) {
      case 'chunk':
        return this.#in.get(key)?.push(bytesOf(message[2]));
      case 'end':
        return this.end(key);
      case 'break':
        return this.end(key, faultOf(message[2], message[3], message[4]));
      case 'credit':
        return this.#out.get(key)?.credit(message[2]);
      case 'cancel':
        return this.cancel(key);
    }
  }

  /** Nothing comes any more of what came under this key. */
  end(key: number, fault?: MeshError): void {
    this.#in.get(key)?.end(fault);
    this.#in.delete(key);
  }

  /** Nobody wants what is sent under this key. */
  cancel(key: number): void {
    this.#out.get(key)?.cancel();
  }

  /** The other side has gone. */
  fail(fault: MeshError): void {
    for (const inflow of this.#in.values()) inflow.end(fault);
    for (const outflow of this.#out.values()) outflow.cancel();
    this.#in.clear();
    this.#out.clear();
  }
}

function breakOf(key: number, { code, detail, cause }: MeshError): FlowMessage {
  return ['break', key, code, detail, cause === undefined ? undefined : describe(cause)];
}

function faultOf(code: ErrorCode, detail: unknown, cause: unknown): MeshError {
  if (!isErrorCode(code)) throw new Error('Not a code.');
  return new MeshError(code, typeof detail === 'string' ? detail : undefined, { cause });
}

function bytesOf(piece: CrossingBody): Uint8Array {
  const bytes = fromCrossing(piece);
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw new Error('Not a piece.');
  return bytes;
}
