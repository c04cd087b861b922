import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { monotonicNow } from '../clock.js';
import { type Said, saidOf } from './said.js';

/** A longer line is cut into several. */
const MOST_CHARACTERS = 16 * 1024;
/** How much of the end is kept for whoever asks why a program ended. */
const KEPT_LINES = 20;
/** Lines of one program a second that reach the log, a long one counted for each KB begun; the rest is left out. */
const MOST_A_SECOND = 10_000;
/** Lines that are looked at before others have their turn. */
const MOST_A_TURN = 500;
/** How long one that prints more is not listened to after each piece, ms: it waits, as at any pipe that is full. */
const PAUSE_MS = 50;

/** The lines that a program prints. Both of its streams are its log, as on Lambda. */
export class Output {
  #last: string[] = [];
  #lastSpeaker = '';
  /** Until when a second is counted, and what of it. */
  #until = 0;
  #count = 0;
  #leftOut = 0;

  /** @param speaker the event that it says something of now */
  constructor(
    private readonly speaker: () => string,
    private readonly line: (speaker: string, said: Said) => void,
  ) {}

  follow(stream: Readable): void {
    // Of a pipe whose other end was killed: the end of the program says more.
    this.#read(stream).catch(() => undefined);
  }

  async #read(stream: Readable): Promise<void> {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length >= MOST_CHARACTERS) {
        lines.push(rest);
        rest = '';
      }
      await this.#sayAll(lines);
    }
    this.#say(rest + decoder.end());
  }

  async #sayAll(lines: readonly string[]): Promise<void> {
    for (const [at, line] of lines.entries()) {
      if (at > 0 && at % MOST_A_TURN === 0) await turn();
      this.#say(line);
    }
    if (this.#count > MOST_A_SECOND) await delay(PAUSE_MS, undefined, { ref: false });
  }

  /** What it said last of the event that it had at its end, for the operator's log. */
  get last(): string {
    if (this.speaker() !== this.#lastSpeaker) return '';
    return this.#last.join('\n');
  }

  #say(line: string): void {
    const isHeard = this.#isWithinBounds(line);
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    const speaker = this.speaker();
    if (speaker !== this.#lastSpeaker) this.#last = [];
    this.#lastSpeaker = speaker;
    if (this.#last.push(text.slice(0, 400)) > KEPT_LINES) this.#last.shift();
    if (isHeard) this.line(speaker, saidOf(text));
    else this.#leaveOut(speaker);
  }

  #isWithinBounds(line: string): boolean {
    const now = monotonicNow();
    if (now >= this.#until) {
      this.#until = now + 1_000;
      this.#count = 0;
    }
    this.#count += 1 + (line.length >> 10);
    return this.#count <= MOST_A_SECOND;
  }

  #leaveOut(speaker: string): void {
    if (this.#leftOut++ > 0) return;
    const tell = () => {
      const message = `… ${this.#leftOut} lines left out: it printed more than ${MOST_A_SECOND} in a second.`;
      this.#leftOut = 0;
      this.line(speaker, { level: 'warn', message });
    };
    setTimeout(tell, this.#until - monotonicNow()).unref();
  }
}
