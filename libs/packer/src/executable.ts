import type { Manifest } from '#contracts';

/** What is started of an artifact in another language; AWS's name for it. */
export const BOOTSTRAP = 'bootstrap';

/** Whether a file may be run by who owns it. */
export const isExecutable = (mode: number | undefined): boolean => ((mode ?? 0) & 0o100) !== 0;

/** The file of an artifact that is started rather than imported; `undefined` of a handler for Node. */
export const executableOf = ({ runtime }: Pick<Manifest, 'runtime'>): string | undefined =>
  runtime === 'provided' ? BOOTSTRAP : undefined;
