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
  const unwatch = reload ? onSave(shell.folder, () => void worker.restart()) : () => undefined;
  const ended = worker.start();
  const code = await Promise.race([ended, stopping.then(() => undefined)]);
  unwatch();
  await worker.stop();
  return code === undefined || code === 0 ? EXIT.done : EXIT.failed;
}

/** One worker after the other. */
class Worker {
  #child: ChildProcess | undefined;
  #restarting = false;
  readonly #ended = Promise.withResolvers<number>();

  constructor(
    private readonly shell: Shell,
    private readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** @returns when it has ended by itself */
  start(): Promise<number> {
    const child = this.#spawn();
    this.#child = child;
    child.once('exit', (code) => {
      if (!this.#restarting) this.#ended.resolve(code ?? 1);
    });
    return this.#ended.promise;
  }

  async restart(): Promise<void> {
    if (this.#restarting) return;
    this.#restarting = true;
    await this.stop();
    this.#restarting = false;
    this.shell.tell('Something was saved: beginning anew.');
    void this.start();
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await gone;
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
