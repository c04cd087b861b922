import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Report } from '../chaos/report.ts';

/*
 * The fault harness as it is run, and that it can fail: real services and servers as processes. Needs `npm run build`.
 * What it finds with many faults is a longer run's matter: `npm run chaos`.
 */

const LIMIT_MS = 120_000;
/** Its own: other scenarios start worlds in the common one meanwhile. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'mesh-own-'));
// Postgres runs as another user when root starts it: it may pass through, not look.
chmodSync(TMPDIR, 0o711);
afterAll(() => rmSync(TMPDIR, { recursive: true, force: true }));
const folders = () => readdirSync(TMPDIR).filter((name) => name.startsWith('mesh-chaos-'));

async function chaos(...args: string[]) {
  const command = ['chaos/main.ts', '--seconds', '5', '--freezes', '0', '--seed', '5', '--json', ...args];
  const env = { ...process.env, TMPDIR };
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { report: (output ? JSON.parse(output) : undefined) as Report | undefined, errors, code };
}

describe('npm run chaos', () => {
  it(
    'accounts for every event of every source while a service and nats-server are killed',
    async () => {
      const { report, errors, code } = await chaos('--events', '160', '--kills', '2', '--cuts', '1');
      expect({ code, errors: code === 0 ? '' : errors + JSON.stringify(report) }).toEqual({
        code: 0,
        errors: '',
      });
      const { account, faults } = report as Report;
      expect(account.events).toBe(160);
      expect(Object.keys(account.bySource).sort()).toEqual([
        'async',
        'fifo',
        'http',
        'mqtt1',
        'mqtt2',
        'request',
        'sqs',
        'work',
      ]);
      expect(Object.values(faults.kills).reduce((sum, count) => sum + count, 0)).toBe(2);
      expect(folders()).toEqual([]);
    },
    LIMIT_MS,
  );

  const calm = ['--events', '40', '--kills', '0', '--cuts', '0', '--only', 'work,sqs'];
  it(
    'fails when one event was lost',
    async () => {
      const { report, code } = await chaos(...calm, '--sabotage', 'lost');
      expect(code).toBe(1);
      expect(report).toMatchObject({
        clean: false,
        account: { lost: [expect.stringMatching(/^(work|sqs)-\d+$/)] },
      });
    },
    LIMIT_MS,
  );

  it(
    'fails when nothing moves, and says where it lies',
    async () => {
      const { report, code } = await chaos(...calm, '--sabotage', 'stuck', '--stuck-after', '6');
      expect(code).toBe(1);
      expect(report?.account.stuck).toContain('work-stuck-1');
      expect(report?.stuck).toMatch(/^stream WORK: \d+ waiting, \d+ in hand/m);
      expect(report?.stuck).toMatch(/^executor-1 \(up, pid \d+\)/m);
    },
    LIMIT_MS,
  );

  it('says what is wrong with its options', async () => {
    const { errors, code } = await chaos('--kills', 'some');
    expect([code, errors.split('\n')[0]]).toEqual([
      2,
      '--kills must be a whole number of at least 0, not some.',
    ]);
  });
});
