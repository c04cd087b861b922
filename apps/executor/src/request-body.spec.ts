import { describe, expect, it } from '@jest/globals';
import { MeshError } from '#contracts';
import { Assembly, watched } from './request-body.js';

const MB = 1_000_000;
async function* gives(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

describe('a body that is put together', () => {
  it('is what was sent', async () => {
    const whole = await new Assembly().whole(Buffer.from('a'), gives(Buffer.from('b'), Buffer.from('c')), 3);
    expect(Buffer.from(whole).toString()).toBe('abc');
  });

  it('is refused as soon as it is larger than its handler takes, and the rest let go of', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(MB);
      } finally {
        ended = true;
      }
    }
    const assembly = new Assembly();
    await expect(assembly.whole(Buffer.alloc(1), endless(), 5 * MB)).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    expect(ended).toBe(true);
    const most = assembly.whole(Buffer.alloc(1), endless(), Number.POSITIVE_INFINITY);
    await expect(most).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  it('waits for its turn where too many large ones are on their way', async () => {
    const assembly = new Assembly();
    const go = Promise.withResolvers<void>();
    async function* slow() {
      yield Buffer.alloc(60 * MB);
      await go.promise;
    }
    const held = [1, 2, 3, 4].map(() => assembly.whole(new Uint8Array(0), slow(), 64 * MB));
    const beyond = assembly.whole(new Uint8Array(0), gives(Buffer.alloc(60 * MB)), 64 * MB);
    await expect(beyond).rejects.toMatchObject({ code: 'too-busy' });
    go.resolve();
    await Promise.all(held);
    expect(await assembly.whole(new Uint8Array(0), gives(Buffer.alloc(60 * MB)), 64 * MB)).toHaveLength(
      60 * MB,
    );
  });
});

describe('a body on its way', () => {
  it('tells what broke it before its handler learns', async () => {
    const told: string[] = [];
    async function* breaks() {
      yield Buffer.from('a');
      throw new MeshError('client-gone');
    }
    const body = watched(breaks(), 10, 10, ({ code }) => told.push(code));
    await body.next();
    await expect(body.next()).rejects.toMatchObject({ code: 'client-gone' });
    expect(told).toEqual(['client-gone']);
  });

  it('has no more than its handler takes', async () => {
    const body = watched(gives(Buffer.alloc(5), Buffer.alloc(6)), 10, 10, () => undefined);
    await body.next();
    await expect(body.next()).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});
