import { ConsoleLogger } from '@nestjs/common';

/** Log of one part of a service. `fields` or an error are for the operator; never shown to callers. */
export interface Log {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: unknown): void;
  error(message: string, fields?: unknown): void;
}

const nest = new ConsoleLogger({
  prefix: 'mesh',
  json: !process.stdout.isTTY,
  logLevels: ['log', 'warn', 'error'],
});

/** One JSON object a line, or coloured text on a terminal. */
export function logger(context: string): Log {
  return {
    info: (message, fields) => nest.log(withFields(message, fields), context),
    warn: (message, fields) => nest.warn(withFields(message, fields), context),
    error: (message, fields) => nest.error(withFields(message, fields), undefined, context),
  };
}

/** Nest's own messages: warnings and errors only, the rest says nothing that ours do not. */
export const nestLogger = new ConsoleLogger({
  prefix: 'mesh',
  json: !process.stdout.isTTY,
  logLevels: ['warn', 'error', 'fatal'],
});

function withFields(message: string, fields: unknown): string {
  if (fields === undefined) return message;
  return `${message} ${fields instanceof Error ? describe(fields) : JSON.stringify(fields)}`;
}

function describe(error: Error): string {
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${text}\nCaused by ${describe(error.cause)}` : text;
}
