import { describe, expect, it } from '@jest/globals';
import { MeshError } from '#contracts';
import { Inflow, joined, Outflow, PIECE, WINDOW } from './flow.js';
import { Flows } from './flows.js';
import type { FlowMessage } from './worker-protocol.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const bytes = (size: number, fill = 1) => new Uint8Array(size).fill(fill);
const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();

async function* gives(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
async function taken(from: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of from) all.push(piece);
  return all;
}

/** Both sides, with the messages between them. */
function between(drop: (message: FlowMessage) => boolean = () => false) {
  const said: FlowMessage[] = [];
  const side = (other: () => Flows) =>
    new Flows(
      (message) => {
        said.push(message);
        if (!drop(message)) queueMicrotask(() => other().receive(message));
      },
      (piece) => new Uint8Array(piece),
    );
  const here: Flows = side(() => there);
  const there: Flows = side(() => here);
  return { here, there, said };
}

describe('a stream from one side to the other', () => {
  it('comes whole and in order, whatever the size of its pieces', async () => {
    const { here, there } = between();
    const sizes = [1, 0, 5 * PIECE + 3, 100, WINDOW, 1];
    const inflow = there.take(7);
    void here.give(7, gives(...sizes.map((size, i) => bytes(size, i))));
    const expected = Buffer.concat(sizes.map((size, i) => bytes(size, i)));
    expect(Buffer.concat(await taken(inflow)).equals(expected)).toBe(true);
  });

  it('waits where nobody takes it, with no more than a window on its way', async () => {
    const { here, there, said } = between();
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 1000;
        yield bytes(1000);
      }
    }
    const inflow = there.take(1);
    void here.give(1, endless());
    for (let i = 0; i < 50; i++) await turn();
    expect(given).toBeLessThanOrEqual(WINDOW + 1000);
    const before = given;
    for (let i = 0; i < 100; i++) await inflow.next();
    for (let i = 0; i < 50; i++) await turn();
    expect(given).toBeGreaterThan(before);
    expect(given).toBeLessThanOrEqual(before + 101_000);
    await inflow.return();
    for (let i = 0; i < 5; i++) await turn();
    expect(said.at(-1)).toEqual(['break', 1, 'client-gone', undefined, undefined]);
  });

  it('breaks off after what came before, with what broke it', async () => {
    const { here, there } = between();
    async function* breaks() {
      yield Buffer.from('a');
      throw new MeshError('handler-error', undefined, { cause: new Error('why') });
    }
    const inflow = there.take(1);
    void here.give(1, breaks());
    expect(await inflow.next()).toMatchObject({ done: false });
    await expect(inflow.next()).rejects.toMatchObject({ code: 'handler-error', cause: { message: 'why' } });
    expect(await inflow.next()).toEqual({ done: true, value: undefined });
  });

  it('that its own side cancels is not taken for a whole one', async () => {
    const { here, there } = between();
    const inflow = there.take(1);
    async function* waits() {
      yield Buffer.from('a');
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
      yield Buffer.from('b');
    }
    void here.give(1, waits());
    await inflow.next();
    here.cancel(1);
    await expect(inflow.next()).rejects.toMatchObject({ code: 'client-gone' });
  });

  it('breaks off with the other side, and lets go of its source', async () => {
    const { here, there } = between();
    let ended = false;
    async function* source() {
      try {
        for (;;) yield bytes(PIECE);
      } finally {
        ended = true;
      }
    }
    const inflow = there.take(1);
    void here.give(1, source());
    await inflow.next();
    there.fail(new MeshError('worker-crashed'));
    here.fail(new MeshError('worker-crashed'));
    await expect(taken(inflow)).rejects.toMatchObject({ code: 'worker-crashed' });
    for (let i = 0; i < 5; i++) await turn();
    expect(ended).toBe(true);
  });
});

describe('a hostile side', () => {
  const flows = () =>
    new Flows(
      () => undefined,
      (piece) => piece,
    );

  it('that sends more than there is room for is found out', () => {
    const receiver = flows();
    receiver.take(1);
    const push = () => receiver.receive(['chunk', 1, bytes(PIECE)]);
    for (let i = 0; i < WINDOW / PIECE; i++) push();
    expect(push).toThrow('room');
  });

  it('that sends tiny pieces without end is found out, too', () => {
    const receiver = flows();
    receiver.take(1);
    expect(() => {
      for (let i = 0; i < 2000; i++) receiver.receive(['chunk', 1, bytes(1)]);
    }).toThrow('room');
  });

  it.each<[string, unknown[]]>([
    ['no bytes', ['chunk', 1, { length: 5 }]],
    ['nothing', ['chunk', 1, '']],
    ['an unknown code', ['break', 1, 'no-such-code', undefined, undefined]],
  ])('that says %s is refused', (_, message) => {
    const receiver = flows();
    receiver.take(1);
    expect(() => receiver.receive(message as unknown as FlowMessage)).toThrow();
  });

  it.each([0, -5, 1.5, Number.NaN, 1e9, '5'])('that gives credit of %p is refused', (credit) => {
    const held = new Promise(() => undefined);
    const waiting = flows();
    void waiting.give(
      2,
      (async function* () {
        await held;
        yield bytes(1);
      })(),
    );
    expect(() => waiting.receive(['credit', 2, credit as number])).toThrow('Credit');
  });

  it('that speaks of what is not there is not heard', () => {
    const receiver = flows();
    for (const message of [
      ['chunk', 9, bytes(1)],
      ['end', 9],
      ['credit', 9, 1],
      ['cancel', 9],
    ] as FlowMessage[])
      expect(() => receiver.receive(message)).not.toThrow();
  });
});

describe('parts', () => {
  it('first bytes and what follows are one; letting go reaches what follows', async () => {
    expect(text(await taken(joined(Buffer.from('a'), gives(Buffer.from('b')))))).toBe('ab');
    expect(text(await taken(joined(new Uint8Array(0), gives(Buffer.from('b')))))).toBe('b');
    expect(text(await taken(joined(Buffer.from('a'), undefined)))).toBe('a');
    let left = false;
    const inflow = new Inflow(
      () => undefined,
      () => {
        left = true;
      },
    );
    const both = joined(Buffer.from('a'), inflow);
    await both.return?.();
    expect([left, await both.next()]).toEqual([true, { done: true, value: undefined }]);
  });

  it('an outflow that is cancelled while it waits for room ends', async () => {
    const outflow = new Outflow(gives(bytes(2 * WINDOW)), () => undefined);
    const run = outflow.run();
    await turn();
    outflow.cancel();
    expect(await run).toMatchObject({ code: 'client-gone' });
  });
});
