import { fileURLToPath } from 'node:url';
import { ask } from '../work/facts.mjs';

const FILE = fileURLToPath(new URL('./generator-process.mjs', import.meta.url));

/** The load generator, in a process of its own: what the benchmark does meanwhile does not hold it up. */
export class Generator {
  static async start(children, name = 'generator') {
    const child = children.start(name, FILE, {});
    await child.untilReady();
    return new Generator(child);
  }

  constructor(child) {
    this.child = child;
  }

  /**
   * @param {{ url: string, headers?: Record<string, string>, connections?: number, perSecond: number,
   *   seconds: number }[]} loads at once
   * @returns one result each, as `OpenLoop.run` gives it
   */
  run(...loads) {
    return ask(this.child, { loads });
  }

  /** @returns {Promise<number>} answers a second that are to be had of such a mix over so many connections */
  capacity(mix, { connections, seconds }) {
    return ask(this.child, { closed: { mix, connections, seconds } });
  }
}
