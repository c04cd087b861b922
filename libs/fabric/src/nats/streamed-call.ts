import type { Msg } from '@nats-io/transport-node';
import { asMeshError, decodeHeaders, MeshError } from '#contracts';
import type { CallReply } from '../invoker.js';
import { CREDIT_HEADER, PIECE_HEADER } from './piece.js';
import type { PieceReceiver } from './piece-receiver.js';
import type { PieceSender } from './piece-sender.js';
import { headerBlock } from './raw-message.js';
import { readReply } from './read-reply.js';
import type { Requests } from './requests.js';
import { heedCredit, heedPiece, type StreamEnds } from './stream-ends.js';

const NO_BYTES = new Uint8Array(0);

/**
 * A call whose body goes out in pieces. Its first message has none; the executor says where it wants them and how much it
 * has room for, if the handler wants the body at all. It may answer at any time, in one message or in pieces.
 */
export class StreamedCall {
  readonly #answer = Promise.withResolvers<CallReply>();
  readonly #reply: string;
  readonly #unfollow: () => void;
  #sender: PieceSender | undefined;
  #rest: PieceReceiver | undefined;

  constructor(
    requests: Requests,
    private readonly ends: StreamEnds,
    private readonly body: AsyncIterable<Uint8Array>,
  ) {
    this.#reply = requests.streamedReply();
    this.#unfollow = requests.follow(this.#reply, (message) => this.#accept(message));
  }

  /**
   * @throws MeshError as `Requests.request` does; what the body threw; `broken-off` when the executor went while it took
   *   the body
   */
  async run(subject: string, headers: Uint8Array, limitMs: number): Promise<CallReply> {
    const timer = setTimeout(() => this.#answer.reject(new MeshError('deadline-exceeded')), limitMs);
    try {
      this.ends.publish(subject, headers, NO_BYTES, this.#reply);
      const reply = await this.#answer.promise;
      if (!reply.rest) this.#end();
      return reply;
    } catch (error) {
      this.#end(asMeshError(error));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #accept(message: Msg): void {
    const block = headerBlock(message);
    const headers = block ? decodeHeaders(block) : {};
    if (CREDIT_HEADER in headers) this.#credit(message);
    else if (PIECE_HEADER in headers) this.#rest && heedPiece(this.#rest, message);
    else this.#settle(message);
  }

  #credit(message: Msg): void {
    if (!this.#sender && message.reply) void this.#send(message.reply);
    if (this.#sender) heedCredit(this.#sender, message);
  }

  #settle(message: Msg): void {
    if (this.#rest) return;
    try {
      const reply = readReply(message);
      if (message.reply) this.#rest = this.ends.receiver(message.reply, () => this.#end());
      this.#answer.resolve(this.#rest ? { ...reply, rest: this.#rest } : reply);
    } catch (error) {
      this.#answer.reject(asMeshError(error));
    }
  }

  async #send(to: string): Promise<void> {
    this.#sender = this.ends.sender(to, 0);
    try {
      await this.ends.follow(this.#sender, this.#watched());
    } catch (error) {
      // That the handler wants no more of it is no failure: its answer is still to come.
      const fault = asMeshError(error);
      if (fault.code !== 'client-gone') this.#answer.reject(fault);
    }
  }

  async *#watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.body;
    } catch (error) {
      this.#answer.reject(asMeshError(error));
      throw error;
    }
  }

  /** Nothing is to be heard or sent any more. */
  #end(why: MeshError = new MeshError('client-gone')): void {
    this.#unfollow();
    if (this.#sender) this.#sender.abort(why);
    else void Promise.resolve(this.body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
  }
}
