import { describe, expect, it } from '@jest/globals';
import { LOG_TAIL_HEADER } from '#contracts';
import type { Invoked } from './invoke.js';
import { LogTails } from './log-tails.js';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const invoked = (headers?: Record<string, string>): Invoked => ({
  id: ID,
  version: '1.2.0',
  outcome: {
    outcome: 'ok',
    status: 200,
    body: new Uint8Array(),
    ...(headers === undefined ? {} : { meta: { headers } }),
  },
});
const tailOf = ({ outcome }: Invoked): string =>
  Buffer.from(String(outcome.meta?.headers?.[LOG_TAIL_HEADER]), 'base64').toString();

describe('a log tail', () => {
  it('has the lines of its own run alone', async () => {
    const tails = new LogTails();
    tails.add(ID, 'info', 'before', undefined);
    const answer = await tails.gather(ID, async () => {
      tails.add('another', 'info', 'not mine', undefined);
      tails.add(ID, 'warn', 'mine', { a: 1 });
      return invoked({ own: 'kept' });
    });
    const lines = tailOf(answer).split('\n');
    expect(lines[0]).toBe(`START RequestId: ${ID} Version: 1.2.0`);
    expect(lines[1]?.split('\t').slice(1)).toEqual([ID, 'WARN', 'mine {"a":1}']);
    expect(lines[2]).toBe(`END RequestId: ${ID}`);
    expect(lines[3]).toMatch(/^REPORT RequestId: \S+\tDuration: [\d.]+ ms$/);
    expect(answer.outcome.meta?.headers?.own).toBe('kept');
  });

  it('is 4 KB of the last lines, and less where other headers need the room', async () => {
    const tails = new LogTails();
    const long = (headers?: Record<string, string>) =>
      tails.gather(ID, async () => {
        for (let i = 0; i < 100; i++) tails.add(ID, 'info', `${i} ${'x'.repeat(300)}`, undefined);
        return invoked(headers);
      });
    const text = tailOf(await long());
    expect(Buffer.byteLength(text)).toBe(4_096);
    expect(text).toContain('99 xxx');
    const crowded = await long({ big: 'y'.repeat(12_000) });
    expect(JSON.stringify(crowded.outcome.meta).length).toBeLessThan(16 * 1024);
    expect(tailOf(crowded)).toContain('REPORT');
  });

  it('leaves nothing behind when a run rejects', async () => {
    const tails = new LogTails();
    await expect(tails.gather(ID, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    tails.add(ID, 'info', 'after', undefined);
    expect(tailOf(await tails.gather(ID, async () => invoked()))).not.toContain('after');
  });
});
