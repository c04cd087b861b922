import { type LogLevel, logFields, logMessage } from '#handler/runtime';
/** A line that a program printed, as a line of its handler's log. */
export interface Said {
  readonly level: LogLevel;
  readonly message: string;
  /** The event that it names itself. */
  readonly id?: string;
  readonly fields?: object | undefined;
}

const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['trace', 'debug'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['error', 'error'],
  ['fatal', 'error'],
]);

/**
 * Text is what it is. JSON with a `message` is taken apart as Lambda does where a function's log format is JSON:
 * `timestamp`, `level`, `requestId`, `message`, and more. Never throws.
 */
export function saidOf(line: string): Said {
  const apart = line.startsWith('{') ? takenApart(line) : undefined;
  return apart ?? { level: 'info', message: logMessage(line) };
}

function takenApart(line: string): Said | undefined {
  try {
    const { message, level, requestId, timestamp: _when, ...fields } = JSON.parse(line);
    if (typeof message !== 'string') return undefined;
    return {
      level: (typeof level === 'string' && LEVELS.get(level.toLowerCase())) || 'info',
      message: logMessage(message),
      ...(typeof requestId === 'string' ? { id: requestId } : {}),
      ...(Object.keys(fields).length > 0 ? { fields: logFields(fields) } : {}),
    };
  } catch {
    return undefined;
  }
}
