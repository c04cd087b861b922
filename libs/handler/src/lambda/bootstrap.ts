import { buffer } from 'node:stream/consumers';
import type { LogLevel } from '../author-types.js';
import { logFields, logMessage } from '../log-line.js';
import { type ErrorReport, initReportOf } from './error-report.js';
import { type Loaded, load } from './loaded.js';
import { runLocally } from './local.js';
import { type InHand, type Log, poll } from './poll.js';
import { RuntimeApi } from './runtime-api.js';

/*
 * A handler on AWS Lambda as a custom runtime, or in a container.
 *
 *   loaded          handler.json or _HANDLER → the handler, by the code that an executor loads it with
 *   runtime-api     Lambda's Runtime API        poll    the loop around it, which recovers by itself
 *   run-event       one event: lambda-events tells its form, to-envelope makes the mesh's event of it, to-answer
 *                   (error-report) Lambda's answer of the outcome; run-delivered runs it as an executor does
 *   local           without AWS_LAMBDA_RUNTIME_API: one event from stdin
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the code to end the process with */
export async function bootstrap(
  environment: Environment,
  args: readonly string[],
  folder: string,
): Promise<number> {
  const { AWS_LAMBDA_RUNTIME_API: address, _HANDLER } = environment;
  const loading = () => load(folder, args[0] ?? _HANDLER);
  if (!address) return once(loading);
  const api = new RuntimeApi(address);
  try {
    const loaded = await loading();
    await serve(api, loaded, environment);
    return 0;
  } catch (error) {
    const report = initReportOf(error);
    log('error', '', 'The handler cannot be loaded.', report.document);
    await api.initFailed(report);
    return 1;
  } finally {
    api.close();
  }
}

/** Lambda lets a runtime poll several times at once where it says so. */
function concurrency({ AWS_LAMBDA_MAX_CONCURRENCY = '1' }: Environment): number {
  const count = Number(AWS_LAMBDA_MAX_CONCURRENCY);
  return Number.isInteger(count) && count > 0 ? count : 1;
}

async function serve(api: RuntimeApi, loaded: Loaded, environment: Environment): Promise<void> {
  // A function URL says nothing of its InvokeMode, and one that does not stream cannot read what is streamed.
  const streams = loaded.handler.streams || environment.LAMBDA_RESPONSE_STREAM === 'yes';
  const stop = new AbortController();
  const inHand: InHand = new Set();
  process.once('SIGTERM', () => stop.abort());
  endWhenUnhandled(api, inHand);
  const length = concurrency(environment);
  const polling = { log, streams, traces: length === 1, inHand };
  await Promise.all(Array.from({ length }, () => poll(api, loaded, polling, stop.signal)));
}

/**
 * What nobody caught leaves a process in no known state: who waits is told, and Lambda starts another. What is thrown
 * while they are told is only said: it must not end the process before.
 */
function endWhenUnhandled(api: RuntimeApi, inHand: InHand): void {
  let isEnding = false;
  const say = (error: unknown) => {
    const { document } = initReportOf(error);
    log('error', '', 'Something was thrown where nobody could catch it.', document);
    if (!isEnding) void tellAndEnd(api, inHand, { category: 'Runtime.UnhandledError', document });
    isEnding = true;
  };
  process.on('uncaughtException', say).on('unhandledRejection', say);
}

async function tellAndEnd(api: RuntimeApi, inHand: InHand, report: ErrorReport): Promise<never> {
  await Promise.allSettled([...inHand].map((id) => api.fail(id, report)));
  process.exit(1);
}

async function once(loading: () => Promise<Loaded>): Promise<number> {
  try {
    // A handler that prints must not spoil the answer on stdout.
    console.log = console.info = console.debug = console.error;
    const { answer, ok } = await runLocally(await loading(), await buffer(process.stdin), tell);
    await new Promise<void>((done) =>
      process.stdout.write(Buffer.concat([answer, Buffer.from('\n')]), () => done()),
    );
    return ok ? 0 : 1;
  } catch (error) {
    tell('error', '', 'The handler cannot be loaded.', initReportOf(error).document);
    return 1;
  }
}

/**
 * A line of JSON, as Lambda's own runtimes write it where the function's log format is JSON. Its own names stand first,
 * and no field of the author's takes their place.
 */
function line(level: LogLevel, requestId: string, message: string, fields?: object): string {
  const timestamp = new Date().toISOString();
  const own = { timestamp, level, ...(requestId ? { requestId } : {}), message: logMessage(message) };
  return `${JSON.stringify({ ...own, ...logFields(fields), ...own })}\n`;
}

const log: Log = (...parts) => void process.stdout.write(line(...parts));
const tell: Log = (...parts) => void process.stderr.write(line(...parts));
