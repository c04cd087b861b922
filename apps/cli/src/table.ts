/** Rows under headings, in columns as wide as their widest cell; the last one is not padded. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column]))));
  return lines.map((line) => lineOf(line, widths)).join('\n');
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => plain(cell) + ' '.repeat((widths[column] ?? 0) - width(cell)))
    .join('  ')
    .trimEnd();
}

// Code points, not UTF-16 units. Wide characters are rare in what is shown here.
const width = (cell = ''): number => [...plain(cell)].length;

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is meant
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** What others wrote (descriptions, error texts) must not steer the terminal. */
export const plain = (text: string): string => text.replace(CONTROL, ' ');

/** `2026-11-21 22:00:05` of an RFC 3339 time, in UTC. */
export const shortTime = (time: string | undefined): string =>
  time === undefined ? '' : time.slice(0, 19).replace('T', ' ');
