import type { MeshError } from '#contracts';

/** How often each end of a stream says that it is there, if it had nothing else to say. */
export const PULSE_MS = 1_500;
/**
 * After so many beats without a word the other end counts as gone: 4.5 to 6 s. Beats, not time: they stop while this
 * process itself is stalled.
 */
export const SILENT_BEATS = 4;

/** One end of a stream. */
export interface Beating {
  beat(): void;
  /** The connection is lost, and with it whatever was on its way. */
  break(error: MeshError): void;
}

/** One timer for all streams of a connection; there is none while there are no streams. */
export class Pulse {
  readonly #ends = new Set<Beating>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly periodMs = PULSE_MS) {}

  /** @returns what ends it */
  add(end: Beating): () => void {
    this.#ends.add(end);
    this.#timer ??= setInterval(() => this.#beat(), this.periodMs).unref();
    return () => this.#remove(end);
  }

  breakAll(error: MeshError): void {
    for (const end of [...this.#ends]) end.break(error);
  }

  #beat(): void {
    for (const end of [...this.#ends]) end.beat();
  }

  #remove(end: Beating): void {
    this.#ends.delete(end);
    if (this.#ends.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What an end of a stream knows of its own silence, and of the other's. */
export class Silence {
  #hasSpoken = false;
  #beats = 0;

  spoke(): void {
    this.#hasSpoken = true;
  }

  heard(): void {
    this.#beats = 0;
  }

  /**
   * @param speak says something, whatever it is, if nothing was said since the last beat
   * @returns false where the other end has gone
   */
  beat(speak: () => void): boolean {
    if (++this.#beats >= SILENT_BEATS) return false;
    if (!this.#hasSpoken) speak();
    this.#hasSpoken = false;
    return true;
  }
}
