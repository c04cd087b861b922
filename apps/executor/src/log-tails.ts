import { LOG_TAIL_HEADER } from '#contracts';
import type { LogLevel } from '#handler/runtime';
import type { Invoked } from './invoke.js';

/** Bytes of log that go with an answer: Lambda's `X-Amz-Log-Result`. */
const MAX_TAIL = 4_096;
/** Characters that all headers of an answer may have with it: what is beside it goes first. */
const MAX_HEADERS = 15 * 1024;

/**
 * The last lines that single runs log, for callers who asked for them with `mesh-log: tail`. Gathered here, where every
 * line passes whatever kind of runtime it is of: nobody else pays for it, and no caller hears the lines of another.
 */
export class LogTails {
  readonly #tails = new Map<string, LogTail>();

  /** A line of any run; most are of nobody who asked. */
  add(id: string, level: LogLevel, message: string, fields: object | undefined): void {
    if (this.#tails.size > 0) this.#tails.get(id)?.add(level, message, fields);
  }

  /**
   * Runs and adds what was logged meanwhile to the result's headers, base64.
   * @param id the mesh-id
   */
  async gather(id: string, run: () => Promise<Invoked>): Promise<Invoked> {
    const tail = new LogTail(id);
    this.#tails.set(id, tail);
    try {
      return withTail(await run(), tail);
    } finally {
      this.#tails.delete(id);
    }
  }
}

class LogTail {
  readonly #started = performance.now();
  #lines: string[] = [];
  #length = 0;

  constructor(private readonly id: string) {}

  add(level: LogLevel, message: string, fields: object | undefined): void {
    const more = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
    const line = `${new Date().toISOString()}\t${this.id}\t${level.toUpperCase()}\t${message}${more}`;
    this.#lines.push(line.slice(-MAX_TAIL));
    this.#length += Math.min(line.length, MAX_TAIL);
    while (this.#length > 2 * MAX_TAIL) this.#length -= (this.#lines.shift() as string).length;
  }

  /** As Lambda frames a log. @param bytes at most so many */
  end(version: string | undefined, bytes: number): string {
    const duration = (performance.now() - this.#started).toFixed(2);
    const text = [
      `START RequestId: ${this.id} Version: ${version ?? '?'}`,
      ...this.#lines,
      `END RequestId: ${this.id}`,
      `REPORT RequestId: ${this.id}\tDuration: ${duration} ms\n`,
    ].join('\n');
    return Buffer.from(text).subarray(-bytes).toString('base64');
  }
}

function withTail(invoked: Invoked, tail: LogTail): Invoked {
  const { outcome, version } = invoked;
  const room = MAX_HEADERS - JSON.stringify(outcome.meta ?? {}).length;
  // Three bytes are four characters of base64.
  const text = tail.end(version, Math.min(MAX_TAIL, Math.max(1, Math.floor((room * 3) / 4))));
  const headers = { ...outcome.meta?.headers, [LOG_TAIL_HEADER]: text };
  return { ...invoked, outcome: { ...outcome, meta: { ...outcome.meta, headers } } };
}
