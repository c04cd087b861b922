import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MeshError } from '#contracts';
import type { Keep, Kept } from './kept.js';
import { LEASE_MS, Lease, Leases } from './lease.js';

/** A bucket with revisions, of which the connection can be away, or lose the answers. */
class Bucket implements Keep {
  readonly #values = new Map<string, Kept>();
  #revision = 0;
  isAway = false;
  losesAnswers = false;

  async get(key: string): Promise<Kept | undefined> {
    this.#check();
    return this.#values.get(key);
  }
  async put(key: string, headers: Kept['headers'], value: Uint8Array): Promise<number> {
    this.#values.set(key, { headers, value, revision: ++this.#revision });
    return this.#revision;
  }
  async replace(key: string, revision: number, headers: Kept['headers'], value: Uint8Array) {
    this.#check();
    if ((this.#values.get(key)?.revision ?? 0) !== revision) return undefined;
    const written = await this.put(key, headers, value);
    if (this.losesAnswers) throw new MeshError('not-connected');
    return written;
  }
  async remove(key: string): Promise<void> {
    this.#values.delete(key);
  }
  #check(): void {
    if (this.isAway) throw new MeshError('not-connected');
  }
}

let bucket: Bucket;
let leases: Lease[];

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  bucket = new Bucket();
  leases = [];
});
afterEach(async () => {
  bucket.isAway = true;
  for (const lease of leases) await lease.release();
  jest.useRealTimers();
});

/** A process on a machine of its own, unless told otherwise. */
function claimant(holder: string, host = holder, pid = 1, running: number[] = []) {
  const all = new Leases(
    bucket,
    { holder, host, pid },
    () => Date.now(),
    (asked) => running.includes(asked),
  );
  return {
    look: () => all.look('seat'),
    claim: async (isSpare?: boolean): Promise<Lease | undefined> => {
      const lease = await all.claim('seat', isSpare);
      if (lease) leases.push(lease);
      return lease;
    },
  };
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('a lease', () => {
  it('is held by one, and by another when it was given back', async () => {
    const [a, b] = [claimant('a'), claimant('b')];
    expect(await a.look()).toBe('none');
    expect(await b.look()).toBe('none');
    const lease = (await a.claim()) as Lease;
    expect(await b.claim()).toBeUndefined();
    expect(await b.look()).toBe('unknown');
    await pass(1_500);
    expect(await b.look()).toBe('held');
    await lease.release();
    expect(lease.isSure).toBe(false);
    expect(await b.look()).toBe('free');
    expect((await b.claim())?.isSure).toBe(true);
  });

  it('that nobody renews is abandoned, and its holder knows before others do', async () => {
    const [a, b] = [claimant('a'), claimant('b')];
    const lease = (await a.claim()) as Lease;
    await b.look();
    // As a frozen process: its clock goes on, its timers do not.
    jest.setSystemTime(Date.now() + LEASE_MS + 1);
    expect(lease.isSure).toBe(false);
    expect(await b.look()).toBe('abandoned');
    expect(await b.claim()).toBeDefined();
    await pass(1_000);
    await lease.lost;
    expect(await lease.confirm()).toBe(false);
  });

  it('stays while NATS is away, unsure, and is confirmed when it is back', async () => {
    const lease = (await claimant('a').claim()) as Lease;
    bucket.isAway = true;
    await pass(LEASE_MS + 1);
    expect(lease.isSure).toBe(false);
    expect(await lease.confirm()).toBe(false);
    bucket.isAway = false;
    expect(await lease.confirm()).toBe(true);
  });

  it('is not lost by a renewal whose answer was', async () => {
    const lease = (await claimant('a').claim()) as Lease;
    bucket.losesAnswers = true;
    await pass(1_000);
    bucket.losesAnswers = false;
    await pass(1_000);
    expect(lease.isSure).toBe(true);
    await pass(10_000);
    expect(lease.isSure).toBe(true);
  });

  it('of a process that is gone from this machine need not be waited for', async () => {
    await claimant('a', 'host', 7, []).claim();
    expect(await claimant('b', 'host', 8, [7]).look()).toBe('unknown');
    expect(await claimant('b', 'host', 8, []).look()).toBe('abandoned');
    // A container that was started again has the same name and the same numbers.
    expect(await claimant('b', 'host', 7, [7]).look()).toBe('abandoned');
    expect(await claimant('b', 'other', 8, []).look()).toBe('unknown');
  });

  it('that is a spare is seen as such, and may be taken', async () => {
    const [a, b] = [claimant('a'), claimant('b')];
    const lease = (await a.claim(true)) as Lease;
    expect(await b.look()).toBe('spare');
    expect(await b.claim()).toBeDefined();
    await pass(1_000);
    await lease.lost;
  });

  it('whose record cannot be read is free', async () => {
    await bucket.put('seat', {}, Buffer.from('not JSON'));
    const a = claimant('a');
    expect(await a.look()).toBe('free');
    expect(await a.claim()).toBeDefined();
  });
});
