import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('./burner-process.mjs', import.meta.url));

/** Processes outside the mesh that do nothing but use a processor each; frozen until they are asked for. */
export class Burners {
  #children;

  static async start(children, count) {
    const started = Array.from({ length: count }, (_, n) => children.start(`burner ${n + 1}`, FILE, {}));
    for (const child of started) await child.untilReady();
    const burners = new Burners(started);
    burners.#signal('SIGSTOP', count);
    return burners;
  }

  constructor(children) {
    this.#children = children;
  }

  /** Runs `work` while so many of them burn. */
  async during(count, work) {
    this.#signal('SIGCONT', count);
    try {
      return await work();
    } finally {
      this.#signal('SIGSTOP', count);
    }
  }

  /** What is frozen does not see that its parent has gone: it is let run, to end. */
  stop() {
    this.#signal('SIGCONT', this.#children.length);
    for (const { process: child } of this.#children) child.kill('SIGKILL');
  }

  #signal(signal, count) {
    for (const { pid } of this.#children.slice(0, count)) process.kill(pid, signal);
  }
}
