import { type ChildProcess, spawn } from 'node:child_process';

/*
 * Ends the children of an executor that was killed. A child notices by itself that its executor is gone, unless its
 * handler blocks; so a shell, a megabyte small, waits for the end of this process with their numbers in hand. It
 * has a session of its own: Ctrl-C in a terminal does not reach it.
 */
const SCRIPT = `
children=
while read -r what pid; do
  case $what in
    +) children="$children $pid" ;;
    -) rest=; for one in $children; do [ "$one" = "$pid" ] || rest="$rest $one"; done; children=$rest ;;
  esac
done
for one in $children; do kill -9 "$one" 2>/dev/null; done
rm -rf "$1"
`;

export class Guardian {
  readonly #pids = new Set<number>();
  #shell: ChildProcess | undefined;

  /** @param folder removed when this process ends, however it does */
  constructor(private readonly folder: string) {}

  watch(pid: number): void {
    this.#pids.add(pid);
    if (this.#shell) this.#tell(`+ ${pid}\n`);
    else this.#start();
  }

  /** It has ended: its number may be somebody else's soon. */
  forget(pid: number): void {
    if (this.#pids.delete(pid)) this.#tell(`- ${pid}\n`);
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'lambda-mesh-guardian', this.folder], {
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Neither keeps this process alive.
    shell.unref();
    (shell.stdin as { unref?(): void } | null)?.unref?.();
    shell.stdin?.on('error', () => undefined);
    shell.on('error', () => this.#lost(shell));
    shell.on('exit', () => this.#lost(shell));
    this.#shell = shell;
    for (const pid of this.#pids) this.#tell(`+ ${pid}\n`);
  }

  /** Somebody killed it: the next child gets another. */
  #lost(shell: ChildProcess): void {
    if (this.#shell === shell) this.#shell = undefined;
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(line);
  }
}
