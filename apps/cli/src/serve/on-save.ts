import { watch } from 'node:fs';
import { sep } from 'node:path';

/** Editors write a file in several steps; what comes within this time, ms, is one change. */
const QUIET_MS = 100;
/** What programs write for themselves. */
const IGNORED = /^(\..+|node_modules|__pycache__|dist)$|\.pyc$|~$/;

/** Calls back after files of a folder, or below it, were saved. @returns what ends that */
export function onSave(folder: string, saved: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (name?.split(sep).some((part) => IGNORED.test(part))) return;
    clearTimeout(timer);
    timer = setTimeout(saved, QUIET_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
