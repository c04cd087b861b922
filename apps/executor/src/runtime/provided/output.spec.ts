import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Output } from './output.js';

function printing() {
  const lines: string[] = [];
  const output = new Output(
    () => 'id',
    (_, { message }) => void lines.push(message),
  );
  const pipe = new PassThrough();
  output.follow(pipe);
  return { output, pipe, lines };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('what a program prints', () => {
  it('is its lines, however they are cut', async () => {
    const { output, pipe, lines } = printing();
    for (const byte of Buffer.from('one\r\n\ngrüß\nrest')) pipe.write(Buffer.of(byte));
    await until(() => lines.length === 2);
    pipe.end();
    await until(() => lines.length === 3);
    expect(lines).toEqual(['one', 'grüß', 'rest']);
    expect(output.last).toBe('one\ngrüß\nrest');
  });

  it('is said before its line ends where that is long', async () => {
    const { pipe, lines } = printing();
    pipe.write('x'.repeat(16 * 1024));
    await until(() => lines.length === 1);
  });

  it.each([
    ['short', 'y\n', 50_000, 10_000],
    ['long', `${'x'.repeat(8_000)}\n`, 3_000, 1_250],
  ])(
    'comes to so many lines a second, %s ones: of the others their number',
    async (_, line, printed, most) => {
      const { pipe, lines } = printing();
      pipe.end(line.repeat(printed));
      const leftOut = () => lines.map((said) => Number(/^… (\d+) lines left out/.exec(said)?.[1] ?? 0));
      const told = () => leftOut().filter((count) => count > 0);
      const sum = () => told().reduce((all, count) => all + count, 0);
      await until(() => lines.length - told().length + sum() === printed);
      expect(told().length).toBeGreaterThan(0);
      expect(lines.length - told().length).toBeLessThanOrEqual(most * (told().length + 1));
    },
  );

  it('leaves others their turn', async () => {
    const { pipe, lines } = printing();
    let turns = 0;
    const count = () => {
      turns++;
      if (lines.length < 9_000) setImmediate(count);
    };
    pipe.end('y\n'.repeat(9_000));
    count();
    await until(() => lines.length === 9_000);
    expect(turns).toBeGreaterThan(10);
  });
});
