import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { LogBrake } from '../log-brake.js';
import { type Said, saidOf } from './said.js';

/** A longer line is cut into several. */
const MOST_CHARACTERS = 16 * 1024;
/** How much of the end is kept for whoever asks why a program ended. */
const KEPT_LINES = 20;
/** Lines that are looked at before others have their turn. */
const MOST_A_TURN = 500;
/** How long one that prints more is not listened to after each piece, ms: it waits, as at any pipe that is full. */
const PAUSE_MS = 50;

/** The lines that a program prints. Both of its streams are its log, as on Lambda. */
export class Output {
  #last: string[] = [];
  #lastSpeaker = '';
  readonly #brake = new LogBrake((speaker, message) => this.line(speaker, { level: 'warn', message }));

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
    if (this.#brake.isOn) await delay(PAUSE_MS, undefined, { ref: false });
  }

  /** What it said last of the event that it had at its end, for the operator's log. */
  get last(): string {
    if (this.speaker() !== this.#lastSpeaker) return '';
    return this.#last.join('\n');
  }

  #say(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    const speaker = this.speaker();
    if (speaker !== this.#lastSpeaker) this.#last = [];
    this.#lastSpeaker = speaker;
    if (this.#last.push(text.slice(0, 400)) > KEPT_LINES) this.#last.shift();
    if (this.#brake.lets(speaker, line.length)) this.line(speaker, saidOf(text));
  }
}
