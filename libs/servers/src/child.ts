import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { ServerError } from './server-error.js';
import { readLog, type ServerLog } from './server-log.js';

/*
 * One server as a child process. It runs in a session of its own, so that Ctrl-C reaches only the parent, which
 * then drains before it ends its servers. A parent that exits without stopping them takes them along; one that
 * is killed cannot, and claim.ts ends what it left.
 */
export interface Launch {
  readonly server: string;
  readonly command: string;
  readonly args: readonly string[];
  /** A log line that says the server takes connections. */
  readonly ready: RegExp;
  /** The signal upon which it ends in order. */
  readonly stopSignal: NodeJS.Signals;
  /** Called with the pid as soon as there is one. */
  readonly onStarted?: (pid: number) => void;
  readonly onLine?: (line: string) => void;
  /** User and group to run as; absent: this process's own. */
  readonly uid?: number;
  readonly readyWithinMs?: number;
  readonly stopWithinMs?: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** The last lines it logged. */
  log(): string;
  /** Resolves when the process is gone, whatever ended it. */
  readonly exited: Promise<void>;
  /** Ends it in order, by force after ten seconds; resolves when it is gone. */
  stop(): Promise<void>;
}

const STOP_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 20_000;
// No variable of the parent's reaches a server: PGDATA or NODE_OPTIONS would change what is started.
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Starts a server and waits until it says that it is ready.
 * @throws ServerError with the server's last log lines when it ends, or stays silent too long, before that
 */
export async function launch(options: Launch): Promise<ServerProcess> {
  const child = spawnDetached(options);
  const exited = untilGone(child);
  const log = readLog(child);
  if (options.onLine) log.onLine(options.onLine);
  endWithParent(child, options.stopSignal, exited);
  const stop = () => stopChild(child, options, exited);
  try {
    await untilReady(child, options, log, exited);
  } catch (error) {
    await stop();
    throw error;
  }
  letParentFinish(child);
  return { pid: child.pid as number, log: log.text, exited, stop };
}

function spawnDetached({ command, args, uid, onStarted }: Launch): ChildProcess {
  const user = uid === undefined ? {} : { uid, gid: uid };
  const options = { detached: true, stdio: 'pipe', env: ENVIRONMENT, cwd: '/', ...user } as const;
  const child = spawn(command, args, options);
  if (child.pid !== undefined) onStarted?.(child.pid);
  return child;
}

function untilGone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    // A command that cannot be run at all emits 'error' and never 'close'.
    child.once('error', () => child.pid === undefined && resolve());
  });
}

function untilReady(
  child: ChildProcess,
  options: Launch,
  log: ServerLog,
  exited: Promise<void>,
): Promise<void> {
  const { server, command, ready, readyWithinMs = READY_WITHIN_MS } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (what: string): void =>
    reject(new ServerError(server, `${server} ${what}\n${log.text()}`.trim()));
  const timer = setTimeout(() => fail(`was not ready within ${readyWithinMs} ms.`), readyWithinMs);
  log.onLine((line) => ready.test(line) && resolve());
  child.once('error', (error) => fail(`cannot be run: ${error.message} (${command})`));
  void exited.then(() =>
    fail(`ended while starting (${child.signalCode ?? `exit code ${child.exitCode}`}).`),
  );
  return promise.finally(() => clearTimeout(timer));
}

const running = new Map<ChildProcess, NodeJS.Signals>();

/** One listener for all of them: Node warns of a leak at the eleventh. */
function endWithParent(child: ChildProcess, stopSignal: NodeJS.Signals, exited: Promise<void>): void {
  process.removeListener('exit', endAll).once('exit', endAll);
  running.set(child, stopSignal);
  void exited.then(() => running.delete(child));
}

function endAll(): void {
  for (const [child, stopSignal] of running) child.kill(stopSignal);
}

const pipesOf = (child: ChildProcess): Socket[] =>
  [child.stdin, child.stdout, child.stderr].filter((pipe) => pipe !== null) as unknown as Socket[];

/** A running server is no reason for its parent to go on. */
function letParentFinish(child: ChildProcess): void {
  child.unref();
  for (const pipe of pipesOf(child)) pipe.unref();
}

// child.kill() does nothing once the exit was seen: the pid may be another process's by then.
async function stopChild(child: ChildProcess, options: Launch, exited: Promise<void>): Promise<void> {
  child.ref();
  for (const pipe of pipesOf(child)) pipe.ref();
  child.kill(options.stopSignal);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.stopWithinMs ?? STOP_WITHIN_MS);
  await exited;
  clearTimeout(timer);
}
