import type { ChildProcess } from 'node:child_process';

const KEPT_LINES = 60;

/** What a server writes, line by line, with the last lines kept for whoever asks why it failed. */
export interface ServerLog {
  /** The last lines, oldest first. */
  text(): string;
  onLine(listener: (line: string) => void): void;
}

/** Reads both outputs of a child for as long as it lives: an unread pipe fills up and stops the server. */
export function readLog(child: ChildProcess): ServerLog {
  const lines: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  const take = (line: string): void => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    for (const listener of listeners) listener(line);
  };
  for (const stream of [child.stdout, child.stderr]) splitLines(stream, take);
  return { text: () => lines.join('\n'), onLine: (listener) => void listeners.push(listener) };
}

function splitLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
