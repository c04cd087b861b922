import type { LogLevel } from '#handler/runtime';
import { logFields, logMessage } from '../log-line.js';

/** A line that a program printed, as a line of its handler's log. */
export interface Said {
  readonly level: LogLevel;
  readonly message: string;
  /** The event that it names itself. */
  readonly id?: string;
  readonly fields?: object | undefined;
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
};

/**
 * Text is what it is. JSON with a `message` is taken apart as Lambda does where a function's log format is JSON:
 * `timestamp`, `level`, `requestId`, `message`, and more.
 */
export function saidOf(line: string): Said {
  const document = line.startsWith('{') ? parse(line) : undefined;
  if (typeof document?.message !== 'string') return { level: 'info', message: logMessage(line) };
  const { message, level, requestId, timestamp: _when, ...fields } = document;
  return {
    level: LEVELS[String(level).toLowerCase()] ?? 'info',
    message: logMessage(message as string),
    ...(typeof requestId === 'string' ? { id: requestId } : {}),
    ...(Object.keys(fields).length > 0 ? { fields: logFields(fields) } : {}),
  };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
