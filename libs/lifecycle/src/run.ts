import { type Config, ConfigError, readConfig, type Settings } from '#contracts';
import { logger } from './logger.js';

/** Something that was started and can be stopped in order. */
export interface Running {
  stop(): Promise<void>;
}

/** Bound on an orderly stop, ms: longer than the default deadline of a call, so that none is cut short. */
const STOP_LIMIT_MS = 45_000;

/** Signals within this time, ms, are one. */
const SAME_SIGNAL_MS = 500;

/** The environment beside the settings: for values whose names a setting lists. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The life of a service process: reads the environment, starts, and stops in order at SIGINT or SIGTERM. A
 * second signal ends it at once. Exit code 0 after an orderly stop, 1 otherwise.
 */
export async function run<S extends Settings>(
  service: string,
  settings: S,
  start: (config: Config<S>, environment: Environment) => Promise<Running>,
): Promise<void> {
  const log = logger(service);
  const stopping = stopSignal(log);
  process.on('unhandledRejection', (reason) => {
    log.error('A promise was rejected and nobody handled it.', reason);
  });
  try {
    const starting = start(readConfig(service, settings, process.env), process.env);
    // Asked to stop while still waiting for a server: nothing was accepted yet, so nothing is to be finished.
    const running = await Promise.race([starting, stopping.then(() => undefined)]);
    if (!running) process.exit(0);
    log.info('Ready.');
    const signal = await stopping;
    log.info(`Stopping after ${signal}.`);
    await within(running.stop(), STOP_LIMIT_MS);
    log.info('Stopped.');
    process.exit(0);
  } catch (error) {
    if (hasRemedy(error)) process.stderr.write(`${error.message}\n`);
    else log.error('The service ends.', error);
    process.exit(1);
  }
}

/** Errors whose message alone tells what to do: a stack would only hide it. */
function hasRemedy(error: unknown): error is Error {
  return error instanceof Error && (error instanceof ConfigError || error.message.includes('Remedy: '));
}

/** Resolves with the name of the first reason to stop; the second one ends the process. */
function stopSignal(log: ReturnType<typeof logger>): Promise<string> {
  return new Promise((resolve) => {
    let asked: number | undefined;
    const ask = (reason: string) => {
      // One Ctrl-C can arrive twice: from the terminal, and passed on by npm.
      if (asked !== undefined && performance.now() - asked < SAME_SIGNAL_MS) return;
      if (asked !== undefined) {
        log.error(`${reason} again: ending without waiting.`);
        process.exit(1);
      }
      asked = performance.now();
      resolve(reason);
    };
    process.on('SIGINT', () => ask('SIGINT'));
    process.on('SIGTERM', () => ask('SIGTERM'));
    if (process.env.MESH_STOP_WITH_PARENT) process.on('disconnect', () => ask('the end of its parent'));
  });
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`not stopped after ${ms} ms`)), ms);
  try {
    await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
