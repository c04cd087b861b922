import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { deployedFlags } from '../mesh/deployed-flags.mjs';

const STOP_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 20_000;

/** The processes of a benchmark: all that it starts, so that all of it is stopped. */
export class Children {
  #children = new Set();

  /** @param profileFolder where to leave a processor profile of each process; absent: none */
  constructor(profileFolder) {
    this.profileFolder = profileFolder;
  }

  /**
   * Starts a Node process that ends with this one. In a group of its own, so that Ctrl-C reaches this process alone,
   * which then stops it in order.
   */
  start(name, file, env) {
    const profile = this.profileFolder
      ? ['--cpu-prof', `--cpu-prof-dir=${this.profileFolder}/${name.replaceAll(' ', '-')}`]
      : [];
    const child = spawn(process.execPath, [...deployedFlags(file), ...profile, file], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Mesh services heed the variable; the hand-written processes end with the channel by themselves.
      env: { PATH: process.env.PATH, MESH_STOP_WITH_PARENT: '1', ...env },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return new Child(name, child);
  }

  async stop() {
    await Promise.all([...this.#children].map(stopChild));
  }
}

/** One process, and the last of what it said. */
class Child {
  #output = '';

  constructor(name, process) {
    this.name = name;
    this.process = process;
    this.pid = process.pid;
    for (const stream of [process.stdout, process.stderr])
      stream.on('data', (chunk) => {
        this.#output = (this.#output + chunk).slice(-8192);
      });
  }

  /** Waits for a fact. @param find gets the output so far; a value other than undefined ends the wait */
  async untilSaid(find) {
    const found = () => find(this.#output);
    return this.#until((check) => this.process.stdout.on('data', check), found);
  }

  /** Waits for the message of a hand-written process. */
  async untilReady() {
    let facts;
    this.process.once('message', (message) => {
      facts = message;
    });
    return this.#until(
      (check) => this.process.once('message', check),
      () => facts,
    );
  }

  async #until(listen, found) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const fail = (what) => reject(new Error(`${this.name} ${what}\n${this.#output}`.trim()));
    const timer = setTimeout(() => fail(`was not ready within ${READY_WITHIN_MS} ms.`), READY_WITHIN_MS);
    this.process.once('exit', (code) => fail(`ended while starting (${code}).`));
    const check = () => {
      const value = found();
      if (value !== undefined) resolve(value);
    };
    listen(check);
    check();
    return promise.finally(() => clearTimeout(timer));
  }
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}
