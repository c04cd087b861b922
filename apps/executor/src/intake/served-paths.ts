import type { ControlPath } from '#contracts';

const MAX_KNOWN = 20_000;

/** Remembers for which paths it is that an executor runs: matching patterns costs more than all the rest of an arrival. */
export function remembering(serves: (path: ControlPath) => boolean): (path: ControlPath) => boolean {
  const known = new Map<ControlPath, boolean>();
  return (path) => {
    const before = known.get(path);
    if (before !== undefined) return before;
    // Anybody who may publish work can make paths up.
    if (known.size >= MAX_KNOWN) known.clear();
    const answer = serves(path);
    known.set(path, answer);
    return answer;
  };
}
