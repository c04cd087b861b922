import { describe, expect, it } from '@jest/globals';
import { type HeaderMap, MeshError } from '#contracts';
import type { Keep, Kept } from '#fabric';
import { Ledger, UNTRIED } from './ledger.js';

const event = (deliveries: number, replay = 0) => ({
  item: { seq: 7, deliveries },
  work: { id: 'x', replay },
});

function world(fault?: MeshError) {
  const values = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const errors: string[] = [];
  const keep: Keep = {
    get: async (key): Promise<Kept | undefined> => {
      asked.push(key);
      const value = values.get(key);
      return value && { headers: {}, value, revision: 1 };
    },
    put: async (key: string, _: HeaderMap, value: Uint8Array) => {
      if (fault) throw fault;
      return values.set(key, value).size;
    },
    replace: async () => undefined,
    remove: async (key) => void values.delete(key),
  };
  const ledger = new Ledger(keep, { error: (message) => void errors.push(message) });
  return { ledger, values, asked, errors };
}

describe('the ledger of attempts', () => {
  it('asks nothing of what is new', async () => {
    const { ledger, asked } = world();
    expect(await ledger.read(event(1))).toEqual({ started: 0, failed: 0 });
    expect(asked).toEqual([]);
  });

  it('takes what comes again and has no record for begun', async () => {
    expect(await world().ledger.read(event(2))).toEqual({ started: 1, failed: 0 });
  });

  it('finds what was written, for each replay its own', async () => {
    const { ledger } = world();
    await ledger.write(event(1), { started: 1, failed: 1, lastError: 'é' });
    expect(await ledger.read(event(2))).toEqual({ started: 1, failed: 1, lastError: 'é' });
    expect(await ledger.read(event(2, 1))).toEqual({ started: 1, failed: 0 });
  });

  it('asks nothing of what it gave back, as long as nobody else had it', async () => {
    const { ledger, asked } = world();
    ledger.remember(event(3), UNTRIED);
    expect(await ledger.read(event(4))).toEqual(UNTRIED);
    ledger.remember(event(4), UNTRIED);
    // Delivered twice since: another executor may have begun it.
    expect(await ledger.read(event(6))).toEqual({ started: 1, failed: 0 });
    expect(asked).toEqual(['x']);
  });

  it('forgets what has ended', async () => {
    const { ledger, values } = world();
    await ledger.write(event(2), UNTRIED);
    ledger.forget(event(2));
    expect(values.size).toBe(0);
  });

  it('without room for a record lets work go on, without a connection not', async () => {
    const full = world(new MeshError('queue-full'));
    await full.ledger.write(event(2), UNTRIED);
    expect(full.errors).toHaveLength(1);
    const away = world(new MeshError('not-connected'));
    await expect(away.ledger.write(event(2), UNTRIED)).rejects.toMatchObject({ code: 'not-connected' });
  });
});
