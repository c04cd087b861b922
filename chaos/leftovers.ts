import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reapOrphans } from '#servers';

const PREFIX = 'mesh-chaos-';
/** In a world's folder: the process whose it is, and a mark that its report points there. */
const OWNER = 'owner';
const KEPT = 'kept';
/** Without it, a folder is no world, or only just becomes one. */
const LOGS = 'logs';

/** A folder for one world. Says whose it is before it looks like one, so that no other harness takes it for left behind. */
export function makeFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, PREFIX));
  writeFileSync(join(folder, OWNER), String(process.pid));
  mkdirSync(join(folder, LOGS));
  return folder;
}

export const keepFolder = (folder: string): void => writeFileSync(join(folder, KEPT), '');

/** What harnesses that were themselves killed left behind. */
export async function removeLeftovers(parent = tmpdir()): Promise<void> {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(parent, name);
    // In this order, as it is made the other way round.
    if (!existsSync(join(folder, LOGS)) || isOwned(folder)) continue;
    // In use by one that does not say whose it is: not ours to remove.
    const reaped = await reapOrphans(folder).then(
      () => true,
      () => false,
    );
    if (reaped && !existsSync(join(folder, KEPT))) rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether its harness still runs. Its servers alone do not say so: there are none yet while it starts. */
function isOwned(folder: string): boolean {
  try {
    // Signal 0 only asks.
    process.kill(Number(readFileSync(join(folder, OWNER), 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
