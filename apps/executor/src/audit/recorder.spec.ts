import { describe, expect, it } from '@jest/globals';
import { type InvocationRecord, unpackInvocations } from '#contracts';
import { Outbox } from './outbox.js';
import { Recorder, type Run } from './recorder.js';

const EXECUTOR = '0190a5b0-0000-7000-8000-000000000000';
const run: Run = {
  id: EXECUTOR,
  path: 'users/find',
  version: '1.0.0',
  status: 200,
  outcome: 'ok',
  duration: 1.5,
  attempt: 1,
};

function recording(sample: number, random?: () => number) {
  const batches: (readonly InvocationRecord[])[] = [];
  const writer = {
    sendInvocations: async (_id: string, json: string) => void batches.push(unpackInvocations(json).records),
  };
  const recorder = new Recorder(new Outbox(writer, EXECUTOR), sample, random);
  return { recorder, batches };
}

describe('recording what ran', () => {
  it('keeps what it was told, with times in microseconds', async () => {
    const { recorder, batches } = recording(1);
    const before = Date.now();
    recorder.record(run, { 'mesh-meta': '{"source":"sqs","caller":"orders"}' });
    recorder.record({ ...run, version: undefined, status: 404, outcome: 'no-version' }, {});
    expect(await recorder.flush()).toBe(0);
    const [[error], [ok]] = batches as [InvocationRecord[], InvocationRecord[]];
    expect(ok).toEqual({
      id: EXECUTOR,
      path: 'users/find',
      version: '1.0.0',
      source: 'sqs',
      caller: 'orders',
      status: 200,
      outcome: 'ok',
      startedAt: expect.any(Number),
      duration: 1_500,
      attempt: 1,
    });
    expect((ok?.startedAt ?? 0) / 1_000).toBeGreaterThanOrEqual(before - 1.5);
    expect((ok?.startedAt ?? 0) / 1_000).toBeLessThanOrEqual(Date.now());
    expect(error).toMatchObject({ status: 404, outcome: 'no-version', source: 'nats' });
    expect(error).not.toHaveProperty('version');
  });

  it('samples what went OK, and nothing else', async () => {
    let turn = 0;
    const { recorder, batches } = recording(0.25, () => (turn++ % 4) / 4);
    for (let i = 0; i < 400; i++) recorder.record(run, {});
    for (let i = 0; i < 40; i++) recorder.record({ ...run, outcome: 'failed', status: 400 }, {});
    await recorder.flush();
    const outcomes = batches.flat().map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(100);
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(40);
  });

  it('keeps none that went OK at 0', async () => {
    const { recorder, batches } = recording(0);
    recorder.record(run, {});
    await recorder.flush();
    expect(batches).toEqual([]);
  });

  it('makes a batch of 500 without waiting for the clock', async () => {
    const { recorder, batches } = recording(1);
    for (let i = 0; i < 1_100; i++) recorder.record(run, {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches.map((batch) => batch.length)).toEqual([500, 500]);
    await recorder.flush();
    expect(batches.flat()).toHaveLength(1_100);
  });
});
