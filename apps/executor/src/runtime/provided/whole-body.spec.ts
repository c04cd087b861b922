import { describe, expect, it } from '@jest/globals';
import { MOST_RESPONSE_BYTES } from './rejections.js';
import { WholeBody } from './whole-body.js';

function bodyOf(pieces: Iterable<Buffer>) {
  const got: [body: Uint8Array, isTooLarge: boolean][] = [];
  const sink = new WholeBody(
    (body, _, isTooLarge) => void got.push([body, isTooLarge]),
    () => undefined,
  );
  for (const piece of pieces) sink.data(piece);
  sink.end('');
  return got[0] as [Uint8Array, boolean];
}

const times = (count: number, piece: Buffer): Buffer[] => new Array<Buffer>(count).fill(piece);

describe('a body as a whole', () => {
  it.each([
    ['nothing', []],
    ['one piece', ['hello']],
    ['pieces', ['a', '', 'bcd', 'e'.repeat(1_000), 'f']],
  ])('is %s', (_, pieces) => {
    const [body, isTooLarge] = bodyOf(pieces.map((piece) => Buffer.from(piece)));
    expect([Buffer.from(body).toString(), isTooLarge]).toEqual([pieces.join(''), false]);
  });

  it('may have 6 MiB and 100 bytes, and no more', () => {
    const most = bodyOf(times(MOST_RESPONSE_BYTES / 4, Buffer.from('grüß'.slice(0, 3))));
    expect([most[0].length, most[1]]).toEqual([MOST_RESPONSE_BYTES, false]);
    expect(Buffer.from(most[0].slice(-8)).toString()).toBe('grügrü');
    const [, isTooLarge] = bodyOf([...times(1, Buffer.alloc(MOST_RESPONSE_BYTES)), Buffer.from('x')]);
    expect(isTooLarge).toBe(true);
  });

  it('leaves as they were the bytes of which its pieces are parts', () => {
    const arrived = Buffer.from('a|b|c');
    bodyOf([0, 2, 4].map((at) => arrived.subarray(at, at + 1)));
    expect(arrived.toString()).toBe('a|b|c');
  });

  it('copies each piece behind the first: one kept for each byte would take a hundred times its size', () => {
    const piece = Buffer.from('x');
    function* pieces() {
      yield Buffer.from('a');
      for (const letter of 'bcde') {
        piece.write(letter);
        yield piece;
      }
    }
    expect(Buffer.from(bodyOf(pieces())[0]).toString()).toBe('abcde');
  });
});
