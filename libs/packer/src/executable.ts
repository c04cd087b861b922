import type { Manifest } from '#contracts';

/** The one file of an artifact that may be run; AWS's name for it. */
export const BOOTSTRAP = 'bootstrap';

/** The file of an artifact that is started rather than imported; `undefined` of a handler for Node. */
export const executableOf = ({ runtime }: Pick<Manifest, 'runtime'>): string | undefined =>
  runtime === 'provided' ? BOOTSTRAP : undefined;
