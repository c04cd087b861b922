import type { IncomingMessage, ServerResponse } from 'node:http';
import { asMeshError, MeshError } from '#contracts';
import type { HttpResponse } from './from-result.js';

/** An answer whose body goes on after its first bytes. */
export type StreamedResponse = HttpResponse & { readonly rest: AsyncIterable<Uint8Array> };

export const isStreamed = (answer: HttpResponse): answer is StreamedResponse => answer.rest !== undefined;

/** A client that takes nothing for so long while there is something for it is cut off, ms. */
const STALL_LIMIT_MS = 30_000;

/**
 * Answers that go on: each piece is written when the client has taken what was written before. Where one breaks off,
 * the connection is cut before the end of the body, so that no client takes a part of it for the whole.
 */
export class StreamAnswers {
  readonly #open = new Set<(why: MeshError) => void>();

  constructor(private readonly stallLimitMs = STALL_LIMIT_MS) {}

  /** Ends all that still go on: their clients see it. */
  cut(): void {
    for (const end of [...this.#open]) end(new MeshError('shutting-down'));
  }

  /**
   * Resolves when all of it is written.
   * @throws MeshError why it broke off: `client-gone`, `shutting-down`, or what the pieces threw
   */
  async write(
    request: IncomingMessage,
    response: ServerResponse,
    { status, headers, body, rest }: StreamedResponse,
  ): Promise<void> {
    const pieces = rest[Symbol.asyncIterator]();
    response.writeHead(status, headers);
    if (request.method === 'HEAD' || isBodiless(status)) {
      response.end();
      await pieces.return?.();
      return;
    }
    response.flushHeaders();
    const writing = new Writing(response, pieces, this.stallLimitMs);
    const end = (why: MeshError) => writing.end(why);
    this.#open.add(end);
    try {
      await writing.run(body);
    } catch (error) {
      cutOff(request, response);
      throw asMeshError(error);
    } finally {
      this.#open.delete(end);
    }
  }
}

/** One answer on its way. */
class Writing {
  #why: MeshError | undefined;
  #onRoom: (() => void) | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly pieces: AsyncIterator<Uint8Array>,
    stallLimitMs: number,
  ) {
    response.on('drain', () => this.#wake());
    response.setTimeout(stallLimitMs, () => {
      if (response.writableNeedDrain) this.end(new MeshError('client-gone'));
    });
    response.once('close', () => {
      if (!response.writableFinished) this.end(new MeshError('client-gone'));
    });
  }

  async run(first: Uint8Array): Promise<void> {
    if (this.response.destroyed || this.response.closed) this.end(new MeshError('client-gone'));
    if (first.length > 0) await this.#write(first);
    while (!this.#why) {
      const { done, value } = await this.pieces.next();
      if (done) break;
      await this.#write(value);
    }
    if (this.#why) throw this.#why;
    this.response.end();
  }

  /** Whoever brings the pieces is told that no more are wanted. */
  end(why: MeshError): void {
    if (this.#why) return;
    this.#why = why;
    this.#wake();
    void this.pieces.return?.();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#why || this.response.write(bytes)) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #wake(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}

/** RFC 9110, clauses 15.3.5 and 15.4.5. */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * Without its last chunk a body is not whole (RFC 9112, clause 8). HTTP/1.0 has no chunks, and takes the end of the
 * connection for the end of the body: there only a reset tells.
 */
function cutOff({ httpVersion, socket }: IncomingMessage, response: ServerResponse): void {
  // What was written in this turn still goes out.
  setImmediate(() => {
    if (httpVersion === '1.0') socket.resetAndDestroy();
    response.destroy();
  });
}
