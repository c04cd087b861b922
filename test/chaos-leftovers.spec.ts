import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { keepFolder, makeFolder, removeLeftovers } from '../chaos/leftovers.ts';
import { closeAll, later } from './fixtures/later.js';

/* Fault harnesses beside each other: one removes what killed ones left behind, and nothing else. */

afterEach(closeAll);

function parent(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-leftovers-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder whose harness has ended without a word. */
function leftBehind(inside: string): string {
  const folder = makeFolder(inside);
  writeFileSync(join(folder, 'owner'), String(spawnSync('true').pid));
  return folder;
}

describe('the folder of a world', () => {
  it('is left alone while its harness runs, also before any server has begun in it', async () => {
    const inside = parent();
    const folder = makeFolder(inside);
    await removeLeftovers(inside);
    expect(existsSync(folder)).toBe(true);
  });

  it('is removed when its harness has gone, unless it was to be kept', async () => {
    const inside = parent();
    const [gone, kept] = [leftBehind(inside), leftBehind(inside)];
    keepFolder(kept);
    await removeLeftovers(inside);
    expect([existsSync(gone), existsSync(kept)]).toEqual([false, true]);
  });

  it('is what the harness made: no other folder is touched, whatever its name', async () => {
    const inside = parent();
    const other = join(inside, 'mesh-chaos-notes');
    mkdirSync(other);
    await removeLeftovers(inside);
    expect(existsSync(other)).toBe(true);
  });
});
