import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileArtifactStore } from './file-artifact-store.js';

const HEX = 'ab'.repeat(32);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a folder of artifacts', () => {
  it('keeps bytes under their digest, and nothing else beside them', async () => {
    const store = new FileArtifactStore(pathToFileURL(join(folder, 'made', 'when needed')));
    await store.put(`sha256:${HEX}`, Buffer.from('bytes'));
    const kept = join(folder, 'made', 'when needed', 'sha256');
    expect(readFileSync(join(kept, `${HEX}.tgz`), 'utf8')).toBe('bytes');
    expect(readdirSync(kept)).toEqual([`${HEX}.tgz`]);
  });

  it('repairs a damaged copy, also when many store the same at once', async () => {
    const store = new FileArtifactStore(pathToFileURL(folder));
    await store.put(`sha256:${HEX}`, Buffer.from('bytes'));
    writeFileSync(join(folder, 'sha256', `${HEX}.tgz`), 'byt');
    await Promise.all(Array.from({ length: 10 }, () => store.put(`sha256:${HEX}`, Buffer.from('bytes'))));
    expect(readFileSync(join(folder, 'sha256', `${HEX}.tgz`), 'utf8')).toBe('bytes');
    expect(readdirSync(join(folder, 'sha256'))).toHaveLength(1);
  });

  it('says so when it cannot, and leaves no half file', async () => {
    writeFileSync(join(folder, 'sha256'), 'a file where a folder should be');
    const store = new FileArtifactStore(pathToFileURL(folder));
    await expect(store.put(`sha256:${HEX}`, Buffer.from('bytes'))).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['sha256']);
  });
});
