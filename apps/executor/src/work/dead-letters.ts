import { type DeadLetterFacts, deadSubject, encodeDeadLetter, isMeshError } from '#contracts';
import type { StreamWriter } from '#fabric';
import type { WorkEvent } from './work-event.js';

/** Puts work that ended badly where somebody can look at it, and send it again. */
export class DeadLetters {
  constructor(private readonly writer: StreamWriter) {}

  /**
   * Resolves when it is on file; the same one again is kept once.
   * @throws MeshError as {@link StreamWriter.write} does
   */
  async put(event: WorkEvent, facts: DeadLetterFacts): Promise<void> {
    try {
      await this.#write(event, facts);
    } catch (error) {
      // An event of the largest size has no room for much beside it.
      if (!isMeshError(error) || error.code !== 'payload-too-large') throw error;
      await this.#write(event, { ...facts, error: '' });
    }
  }

  async #write({ path, item, headers, work }: WorkEvent, facts: DeadLetterFacts): Promise<void> {
    await this.writer.write(deadSubject(path), encodeDeadLetter(headers, work, facts), item.body);
  }
}
