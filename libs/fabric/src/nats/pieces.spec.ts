import { describe, expect, it } from '@jest/globals';
import { decodeHeaders, MeshError } from '#contracts';
import {
  CREDIT_HEADER,
  decodeCredit,
  decodePiece,
  encodeCredit,
  encodePiece,
  PIECE_BYTES,
  PIECE_HEADER,
  PIECE_OVERHEAD,
  type PieceMark,
  WINDOW_BYTES,
} from './piece.js';
import { FORGOTTEN_BEATS, PieceReceiver } from './piece-receiver.js';
import { PieceSender } from './piece-sender.js';
import { SILENT_BEATS } from './pulse.js';

const data = (number: number): PieceMark => ({ kind: 'data', number });
const end = (number: number): PieceMark => ({ kind: 'end', number });
const bytes = (text: string) => Buffer.from(text);
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function* from(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** A sender, and what it said. */
function sender(credit = WINDOW_BYTES) {
  const said: { mark: PieceMark; bytes: number }[] = [];
  const one = new PieceSender((headers, body) => {
    said.push({ mark: decodePiece(decodeHeaders(headers)[PIECE_HEADER] ?? ''), bytes: body.length });
  }, credit);
  const sent = () => said.reduce((sum, piece) => sum + piece.bytes, 0);
  return { one, said, sent };
}

function receiver() {
  const said: (string | number)[] = [];
  let left = 0;
  const one = new PieceReceiver(
    (credit) => said.push(credit),
    () => left++,
  );
  return { one, said, left: () => left };
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const taken: Uint8Array[] = [];
  for await (const piece of pieces) taken.push(piece);
  return Buffer.concat(taken).toString();
}

describe('what is said about a stream', () => {
  it.each<[PieceMark['kind'], number, string | undefined]>([
    ['data', 0, undefined],
    ['alive', 17, undefined],
    ['end', 2 ** 40, undefined],
    ['error', 3, 'handler-error'],
  ])('%s %s %s comes back as it was', (kind, number, code) => {
    const text = decodeHeaders(encodePiece(kind, number, code))[PIECE_HEADER] ?? '';
    const mark = decodePiece(text);
    expect([mark.kind, mark.number, mark.kind === 'error' ? mark.error.code : undefined]).toEqual([
      kind,
      number,
      code,
    ]);
  });

  it.each([0, 524_288, 'done', 'stop'] as const)('credit %s comes back as it was', (credit) => {
    expect(decodeCredit(decodeHeaders(encodeCredit(credit))[CREDIT_HEADER] ?? '')).toBe(credit);
  });

  it.each([
    '',
    'data',
    'data -1',
    'data 1.5',
    'data x',
    'data 0x1',
    'data ',
    'data 9007199254740993',
    'other 1',
    ' 1',
  ])('is malformed: piece %j', (text) => {
    expect(() => decodePiece(text)).toThrow(expect.objectContaining({ code: 'broken-off' }));
  });

  it.each(['-1', '1.5', 'x', '1e400', 'Infinity'])('is malformed: credit %j', (text) => {
    expect(() => decodeCredit(text)).toThrow(expect.objectContaining({ code: 'broken-off' }));
  });

  it('an error nobody knows is an internal one', () => {
    expect(decodePiece('error 1 made-up')).toMatchObject({ error: { code: 'internal' } });
  });
});

describe('a sender', () => {
  it('puts small pieces of one turn into one, and leaves empty ones out', async () => {
    const { one, said } = sender();
    const done = one.run(from(bytes('a'), bytes(''), bytes('b'), bytes('c')));
    await turn();
    expect(said).toEqual([
      { mark: data(0), bytes: 3 },
      { mark: end(1), bytes: 0 },
    ]);
    one.accept('done');
    await done;
  });

  it('cuts large ones', async () => {
    const { one, said } = sender();
    void one.run(from(Buffer.alloc(2 * PIECE_BYTES + 1))).catch(() => undefined);
    await turn();
    expect(said.map((piece) => piece.bytes)).toEqual([PIECE_BYTES, PIECE_BYTES, 1, 0]);
    one.break(new MeshError('client-gone'));
  });

  it('sends as much as there is credit for, also by the byte, and asks its source for no more', async () => {
    const { one, sent } = sender(0);
    let asked = 0;
    async function* source() {
      for (;;) {
        asked++;
        yield Buffer.alloc(PIECE_BYTES);
      }
    }
    void one.run(source()).catch(() => undefined);
    await turn();
    expect([sent(), asked]).toEqual([0, 1]);
    one.accept(PIECE_OVERHEAD + 10);
    await turn();
    expect([sent(), asked]).toEqual([10, 1]);
    one.accept(5);
    one.accept(2 * PIECE_OVERHEAD + PIECE_BYTES);
    await turn();
    expect([sent(), asked]).toEqual([PIECE_BYTES, 2]);
    one.break(new MeshError('client-gone'));
  });

  it('believes in no more credit than a window', async () => {
    const { one, sent } = sender(0);
    void one.run(from(Buffer.alloc(4 * WINDOW_BYTES))).catch(() => undefined);
    one.accept(Number.MAX_SAFE_INTEGER);
    await turn();
    expect(sent()).toBeLessThanOrEqual(WINDOW_BYTES);
    one.break(new MeshError('client-gone'));
  });

  it('that is told of the end before it is there has nobody who listens', async () => {
    const { one } = sender(0);
    const done = one.run(from(bytes('a')));
    one.accept('done');
    await expect(done).rejects.toMatchObject({ code: 'client-gone' });
  });

  it('tells of the error of its source, after what came before', async () => {
    const { one, said } = sender();
    async function* source() {
      yield bytes('half');
      throw new MeshError('worker-crashed');
    }
    await expect(one.run(source())).rejects.toMatchObject({ code: 'worker-crashed' });
    expect(said.map(({ mark }) => mark.kind)).toEqual(['data', 'error']);
    expect(said[1]).toMatchObject({ mark: { number: 1, error: { code: 'worker-crashed' } } });
  });

  it('that waits for room hears that nobody wants more, and its source too', async () => {
    let isOver = false;
    async function* source() {
      try {
        for (;;) yield Buffer.alloc(PIECE_BYTES);
      } finally {
        isOver = true;
      }
    }
    const { one } = sender(0);
    const done = one.run(source());
    await turn();
    one.accept('stop');
    await expect(done).rejects.toMatchObject({ code: 'client-gone' });
    await turn();
    expect(isOver).toBe(true);
  });

  it('says that it is there when it has nothing else to say, and gives up who is silent', async () => {
    const { one, said } = sender();
    const done = one.run(never());
    for (let beat = 1; beat < SILENT_BEATS; beat++) one.beat();
    expect(said.map(({ mark }) => mark)).toEqual(Array(SILENT_BEATS - 1).fill({ kind: 'alive', number: 0 }));
    one.accept(1);
    for (let beat = 0; beat < SILENT_BEATS; beat++) one.beat();
    await expect(done).rejects.toMatchObject({ code: 'broken-off' });
  });

  it('ends when it cannot say anything any more', async () => {
    const one = new PieceSender(() => {
      throw new MeshError('not-connected');
    }, WINDOW_BYTES);
    await expect(one.run(from(bytes('a')))).rejects.toMatchObject({ code: 'not-connected' });
  });
});

/** A source that brings nothing. */
async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
}

describe('a receiver', () => {
  it('hands pieces out in their order, also to who asked before they came', async () => {
    const { one, said, left } = receiver();
    const taken = all(one);
    one.accept(data(0), bytes('a'));
    one.accept(data(1), bytes('b'));
    one.accept(end(2), bytes(''));
    expect(await taken).toBe('ab');
    expect(said).toEqual(['done']);
    expect(left()).toBe(1);
  });

  it('says that it has all only when it was taken', async () => {
    const { one, said, left } = receiver();
    one.accept(data(0), bytes('a'));
    one.accept(end(1), bytes(''));
    await turn();
    expect([said, left()]).toEqual([[], 0]);
    expect(await all(one)).toBe('a');
    expect([said, left()]).toEqual([['done'], 1]);
  });

  it.each<[string, PieceMark[]]>([
    ['one that is missing', [data(0), data(2)]],
    ['two that changed places', [data(1), data(0)]],
    ['one that comes twice', [data(0), data(0)]],
    ['the last one missing before the end', [data(0), end(2)]],
    ['one that a sign of life tells of', [data(0), { kind: 'alive', number: 2 }]],
  ])('never takes a part for the whole: %s', async (_, marks) => {
    const { one, said } = receiver();
    for (const mark of marks) one.accept(mark, bytes('x'));
    one.accept(end(3), bytes(''));
    await expect(all(one)).rejects.toMatchObject({ code: 'broken-off' });
    expect(said).toEqual(['stop']);
  });

  it('gives what came before an error, then the error, then nothing more', async () => {
    const { one } = receiver();
    one.accept(data(0), bytes('half'));
    one.accept({ kind: 'error', number: 1, error: new MeshError('handler-error') }, bytes(''));
    expect(await one.next()).toMatchObject({ value: bytes('half') });
    await expect(one.next()).rejects.toMatchObject({ code: 'handler-error' });
    expect(await one.next()).toEqual({ done: true, value: undefined });
  });

  it('has room for one window, and says when there is more', async () => {
    const { one, said } = receiver();
    const piece = Buffer.alloc(PIECE_BYTES - PIECE_OVERHEAD);
    const most = WINDOW_BYTES / PIECE_BYTES;
    for (let number = 0; number < most; number++) one.accept(data(number), piece);
    for (let taken = 0; taken < most / 2; taken++) await one.next();
    expect(said).toEqual([1.5 * WINDOW_BYTES]);
    for (let number = 0; number < most / 2; number++) one.accept(data(most + number), piece);
    one.accept(data(1.5 * most), bytes('!'));
    expect(said).toEqual([1.5 * WINDOW_BYTES, 'stop']);
  });

  it('is not flooded by empty pieces', () => {
    const { one, said } = receiver();
    for (let number = 0; number <= WINDOW_BYTES / PIECE_OVERHEAD; number++)
      one.accept(data(number), bytes(''));
    expect(said).toEqual(['stop']);
  });

  it('that wants no more says so, once, and hears nothing more', async () => {
    const { one, said, left } = receiver();
    const waiting = one.next();
    await one.return();
    await one.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    one.accept(data(0), bytes('late'));
    expect(await one.next()).toEqual({ done: true, value: undefined });
    expect([said, left()]).toEqual([['stop'], 1]);
  });

  it('says that it is there, and gives up a sender that is silent', async () => {
    const { one, said } = receiver();
    for (let beat = 1; beat < SILENT_BEATS; beat++) one.beat();
    one.accept({ kind: 'alive', number: 0 }, bytes(''));
    for (let beat = 1; beat < SILENT_BEATS; beat++) one.beat();
    expect(said).toEqual(Array(2 * (SILENT_BEATS - 1)).fill(WINDOW_BYTES));
    one.beat();
    await expect(all(one)).rejects.toMatchObject({ code: 'broken-off' });
  });

  it('whose end has come waits for its taker without the sender having to say anything', async () => {
    const { one } = receiver();
    one.accept(data(0), bytes('a'));
    one.accept(end(1), bytes(''));
    for (let beat = 0; beat < 3 * SILENT_BEATS; beat++) one.beat();
    expect(await all(one)).toBe('a');
  });

  it.each(['open', 'ended'])(
    'that is %s, and that nobody ever takes anything of, lets its sender go',
    (state) => {
      const { one, said, left } = receiver();
      one.accept(data(0), bytes('a'));
      if (state === 'ended') one.accept(end(1), bytes(''));
      for (let beat = 0; beat < FORGOTTEN_BEATS; beat++) {
        one.beat();
        if (state === 'open') one.accept({ kind: 'alive', number: 1 }, bytes(''));
      }
      expect([said.at(-1), left()]).toEqual(['stop', 1]);
    },
  );

  it('is given the time that its taker takes, once that has begun', async () => {
    const { one, left } = receiver();
    one.accept(data(0), bytes('a'));
    one.accept(data(1), bytes('b'));
    one.accept(end(2), bytes(''));
    await one.next();
    for (let beat = 0; beat < 2 * FORGOTTEN_BEATS; beat++) one.beat();
    expect(left()).toBe(0);
    expect(await all(one)).toBe('b');
  });
});
