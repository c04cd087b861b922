import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT, type ExitCode } from '../exit.js';
import { projectFolder } from '../mesh-address.js';
import type { Shell } from '../shell.js';
import { onSave } from './on-save.js';

/**
 * Runs the worker as a process of its own, in the caller's folder, until it ends or is told to.
 * @param variables what was stated on the line; goes before the environment
 */
export async function serveHandler(
  shell: Shell,
  variables: Readonly<Record<string, string>>,
  reload: boolean,
): Promise<ExitCode> {
  const worker = new Worker(shell, variables);
  const stopping = new Promise<void>((resolve) => {
    // The channel is there where another process started this one in its place.
    for (const sign of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.once(sign, () => resolve());
  });
  const unwatch = reload ? onSave(shell.folder, () => void worker.restart(), shell.tell) : () => undefined;
  const ended = worker.start();
  const code = await Promise.race([ended, stopping.then(() => undefined)]);
  unwatch();
  await worker.stop();
  return code === undefined || code === 0 ? EXIT.done : EXIT.failed;
}

/** One worker after the other. */
class Worker {
  #child: ChildProcess | undefined;
  /** `undefined` while nobody has asked the child to end. */
  #ending: Promise<unknown> | undefined;
  #isOver = false;
  readonly #ended = Promise.withResolvers<number>();

  constructor(
    private readonly shell: Shell,
    private readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** @returns when it has ended by itself */
  start(): Promise<number> {
    const child = this.#spawn();
    this.#child = child;
    this.#ending = undefined;
    child.once('exit', (code) => {
      if (!this.#ending) this.#ended.resolve(code ?? 1);
    });
    return this.#ended.promise;
  }

  async restart(): Promise<void> {
    if (this.#ending || this.#isOver) return;
    await this.#end();
    if (this.#isOver) return;
    this.shell.tell('Something was saved: beginning anew.');
    void this.start();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#end();
  }

  /** It is asked once: a second time it would end at once, whatever it is doing. */
  #end(): Promise<unknown> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    if (this.#ending) return this.#ending;
    this.#ending = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    return this.#ending;
  }

  #spawn(): ChildProcess {
    const { folder, environment } = this.shell;
    const main = join(projectFolder(), 'dist', 'apps', 'serve', 'src', 'main.js');
    if (!existsSync(main))
      throw new CliError('The worker is not built.', `Run npm run build in ${projectFolder()}.`, EXIT.failed);
    return spawn(process.execPath, [main], {
      cwd: folder,
      // The channel is how it notices that this process was killed; its own group keeps a Ctrl-C from coming twice.
      env: { ...environment, ...this.variables, MESH_STOP_WITH_PARENT: '1' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
  }
}
