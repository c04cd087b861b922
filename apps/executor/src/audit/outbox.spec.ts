import { describe, expect, it } from '@jest/globals';
import { type InvocationRecord, MeshError, unpackInvocations } from '#contracts';
import type { AuditWriter } from '#fabric';
import { Outbox } from './outbox.js';

const EXECUTOR = '0190a5b0-0000-7000-8000-000000000000';
const record: InvocationRecord = {
  id: EXECUTOR,
  path: 'users/find',
  source: 'http',
  status: 200,
  outcome: 'ok',
  startedAt: 1_760_000_000_000_000,
  duration: 10,
  attempt: 1,
};
const failed: InvocationRecord = { ...record, status: 500, outcome: 'handler-error' };

/** A stream that is away until it is told otherwise. */
class Stream implements AuditWriter {
  away = false;
  missing = false;
  attempts = 0;
  readonly kept = new Map<string, readonly InvocationRecord[]>();
  async sendInvocations(id: string, json: string): Promise<void> {
    this.attempts++;
    if (this.away) throw new MeshError(this.missing ? 'not-found' : 'not-connected');
    const { batch, records } = unpackInvocations(json);
    expect(batch).toBe(id);
    this.kept.set(id, records);
  }
  get outcomes(): string[] {
    return [...this.kept.values()].flat().map(({ outcome }) => outcome);
  }
}

describe('batches on their way to the stream', () => {
  it('are sent as they come, and flushing waits for the last', async () => {
    const stream = new Stream();
    const outbox = new Outbox(stream, EXECUTOR);
    outbox.add('ok', [record, record]);
    outbox.add('ok', []);
    await Promise.resolve();
    outbox.add('ok', [record]);
    expect(await outbox.flush(1_000)).toBe(0);
    expect([...stream.kept.values()].map((records) => records.length)).toEqual([2, 1]);
  });

  it('wait while it is away, errors first when it is back', async () => {
    const stream = new Stream();
    stream.away = true;
    const outbox = new Outbox(stream, EXECUTOR, 1_000_000, 1);
    outbox.add('ok', [record]);
    outbox.add('error', [failed]);
    expect(outbox.waiting).toBe(2);
    const flushed = outbox.flush(5_000);
    stream.away = false;
    expect(await flushed).toBe(0);
    expect(stream.outcomes).toEqual(['handler-error', 'ok']);
  });

  it('give way when memory ends: first those that went OK, the oldest of them', async () => {
    const stream = new Stream();
    stream.away = true;
    const outbox = new Outbox(stream, EXECUTOR, 1_500, 1);
    outbox.add('error', [failed]);
    for (let i = 0; i < 20; i++) outbox.add('ok', [{ ...record, attempt: i + 1 }]);
    expect(outbox.dropped.ok).toBeGreaterThan(10);
    expect(outbox.dropped).toEqual({ ok: 21 - outbox.waiting, error: 0 });
    for (let i = 0; i < 20; i++) outbox.add('error', [failed]);
    expect(outbox.dropped.ok).toBe(20);
    expect(outbox.dropped.error).toBe(21 - outbox.waiting);
    stream.away = false;
    expect(await outbox.flush(5_000)).toBe(0);
    expect(stream.outcomes.every((outcome) => outcome === 'handler-error')).toBe(true);
  });

  it('keep the newest of those that went OK', async () => {
    const stream = new Stream();
    stream.away = true;
    const outbox = new Outbox(stream, EXECUTOR, 1_500, 1);
    for (let i = 1; i <= 20; i++) outbox.add('ok', [{ ...record, attempt: i }]);
    stream.away = false;
    await outbox.flush(5_000);
    expect([...stream.kept.values()].flat().at(-1)?.attempt).toBe(20);
    expect([...stream.kept.values()].flat()[0]?.attempt).toBe(outbox.dropped.ok + 1);
  });

  it('are given up at once at the end when there is no stream', async () => {
    const stream = new Stream();
    stream.away = true;
    stream.missing = true;
    const outbox = new Outbox(stream, EXECUTOR, 1_000_000, 1);
    outbox.add('ok', [record]);
    expect(await outbox.flush(2 ** 30)).toBe(1);
  });

  it('are given up at the end of the time to flush, and counted', async () => {
    const stream = new Stream();
    stream.away = true;
    const outbox = new Outbox(stream, EXECUTOR, 1_000_000, 1);
    outbox.add('ok', [record, record]);
    expect(await outbox.flush(20)).toBe(2);
    const { attempts } = stream;
    outbox.add('ok', [record]);
    expect(stream.attempts).toBe(attempts);
  });
});
