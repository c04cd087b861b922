import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Said, saidOf } from './said.js';

/** A longer line is cut into several. */
const MOST_CHARACTERS = 16 * 1024;
/** How much of the end is kept for whoever asks why a program ended. */
const KEPT_LINES = 20;

/** The lines that a program prints. Both of its streams are its log, as on Lambda. */
export class Output {
  #last: string[] = [];
  #lastSpeaker = '';

  /** @param speaker the event that it says something of now */
  constructor(
    private readonly speaker: () => string,
    private readonly line: (speaker: string, said: Said) => void,
  ) {}

  follow(stream: Readable): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#say(line);
      if (rest.length < MOST_CHARACTERS) return;
      this.#say(rest);
      rest = '';
    });
    stream.on('end', () => this.#say(rest + decoder.end()));
    // Of a pipe whose other end was killed: the end of the program says more.
    stream.on('error', () => undefined);
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
    this.line(speaker, saidOf(text));
  }
}
