import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { MeshError } from '#contracts';
import { childArguments } from './child-command.js';
import { encodeFrame, FrameReader } from './frames.js';
import { Guardian } from './guardian.js';
import { MemoryGroup } from './memory-group.js';
import type { HandlerSpec, Runtime, WorkerLimits } from './runtime.js';
import { Scratch, scratchRoot } from './scratch.js';
import { memoryDetail, watch } from './watch.js';
import { WorkerInstance } from './worker-instance.js';
import type { FromWorker, StartWorker, ToWorker, WorkerEvents, WorkerStart } from './worker-protocol.js';

/** Descriptor of the link among a child's streams. */
const LINK = 3;
/** After its end, how long what it still wrote may take to be read, ms. */
const LAST_WORDS_MS = 50;

let guardian: Guardian | undefined;

/** Handlers in child processes: memory, files and environment of their own, and an end that no handler can put off. */
export const processRuntime =
  (limits: WorkerLimits): Runtime =>
  (spec, port) =>
    new WorkerInstance(spec, port, startProcess(limits, spec), limits.graceMs);

const startProcess =
  (ofAll: WorkerLimits, { host }: HandlerSpec): StartWorker =>
  (start, environment, events) => {
    const limits = { ...ofAll, ...host?.allotment() };
    const scratch = new Scratch();
    const child = spawned(start, environment, scratch, limits);
    const group = groupOf(child, scratch, limits);
    const socket = child.stdio[LINK] as Socket;
    listen(socket, events);
    const gone = keep(child, scratch, group, limits, events);
    return {
      post: (messages) => post(socket, messages),
      begun: () => scratch.begun(),
      end: () => {
        child.kill('SIGKILL');
        return gone;
      },
    };
  };

/** @throws Error when this machine has no process, descriptor or memory left */
function spawned(
  start: WorkerStart,
  environment: Readonly<Record<string, string>>,
  scratch: Scratch,
  { memoryMb }: WorkerLimits,
): ChildProcess {
  try {
    return spawn(process.execPath, childArguments(start, scratch.folder, memoryMb), {
      cwd: scratch.folder,
      env: { ...environment },
      // A session of its own: Ctrl-C in a terminal reaches the executor alone, which drains first.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', scratch.ledger],
    });
  } catch (error) {
    scratch.remove().catch(() => undefined);
    throw error;
  }
}

/** @throws Error when there can be none: a limit that was asked for and does not hold is none */
function groupOf(
  child: ChildProcess,
  scratch: Scratch,
  { groups, memoryMb }: WorkerLimits,
): MemoryGroup | undefined {
  if (groups === undefined || child.pid === undefined) return undefined;
  try {
    return MemoryGroup.around(groups, child.pid, memoryMb);
  } catch (error) {
    child.on('error', () => undefined);
    child.once('exit', () => scratch.remove().catch(() => undefined));
    child.kill('SIGKILL');
    throw error;
  }
}

function post(socket: Socket, messages: readonly ToWorker[]): void {
  socket.cork();
  for (const message of messages) for (const piece of encodeFrame(message)) socket.write(piece);
  socket.uncork();
}

function listen(socket: Socket, events: WorkerEvents): void {
  const reader = new FrameReader<FromWorker>();
  socket.on('data', (chunk: Buffer) => {
    try {
      events.messages(reader.push(chunk));
    } catch (cause) {
      socket.removeAllListeners('data');
      events.failed(crashed('It sent what no worker sends.', cause));
    }
  });
  // Of a pipe whose other end is gone: the child's own end says more.
  socket.on('error', () => undefined);
}

/** Keeps the child within its bounds. Resolves when it is gone. */
function keep(
  child: ChildProcess,
  scratch: Scratch,
  group: MemoryGroup | undefined,
  limits: WorkerLimits,
  events: WorkerEvents,
): Promise<void> {
  const { pid } = child;
  const stop =
    pid === undefined
      ? () => {}
      : watch(pid, scratch.folder, limits, (detail) => events.failed(crashed(detail)));
  if (pid !== undefined) {
    guardian ??= new Guardian(scratchRoot());
    guardian.watch(pid);
  }
  return new Promise((resolve) => {
    const ended = (fault: MeshError) => {
      stop();
      if (pid !== undefined) guardian?.forget(pid);
      const why = group?.wasFull ? crashed(memoryDetail(limits)) : fault;
      group?.remove().catch(() => undefined);
      lastWords(child, () => events.failed(why));
      scratch.remove().catch(() => undefined);
      resolve();
    };
    child.once('exit', (code, signal) =>
      ended(crashed(signal ? `Its process was ended by ${signal}.` : `Its process ended with code ${code}.`)),
    );
    child.once('error', (error) => ended(crashed('Its process could not be started.', error)));
  });
}

/** What it wrote before its end is read first: answers among it are answers. */
function lastWords(child: ChildProcess, then: () => void): void {
  const timer = setTimeout(then, LAST_WORDS_MS);
  child.once('close', () => {
    clearTimeout(timer);
    then();
  });
}

const crashed = (detail: string, cause?: unknown) => new MeshError('worker-crashed', detail, { cause });
