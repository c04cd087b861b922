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

  /** @param {{ url: string, perSecond: number, seconds: number }[]} loads at once @returns one result each */
  run(...loads) {
    return ask(this.child, { loads });
  }
}
