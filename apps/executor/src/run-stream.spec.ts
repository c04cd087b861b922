import { describe, expect, it } from '@jest/globals';
import { MeshError } from '#contracts';
import { RunStream } from './run-stream.js';

const piece = Buffer.from('piece');
const DONE = { done: true, value: undefined };

function streamOf(rest: AsyncIterable<Uint8Array>) {
  const heard: string[] = [];
  const stream = new RunStream(rest, {
    over: () => heard.push('over'),
    left: () => {
      heard.push('left');
      // As the run is stopped then.
      stream.stop(new MeshError('client-gone'));
    },
  });
  return { stream, heard };
}

describe('the stream of a run', () => {
  it('ends its run with its last piece', async () => {
    const { stream, heard } = streamOf(
      (async function* () {
        yield piece;
      })(),
    );
    expect([await stream.next(), heard]).toEqual([{ done: false, value: piece }, []]);
    expect([await stream.next(), heard]).toEqual([DONE, ['over']]);
    expect(await stream.next()).toEqual(DONE);
    await stream.return();
    expect(heard).toEqual(['over']);
  });

  it('ends its run where it breaks off', async () => {
    const { stream, heard } = streamOf(
      (async function* () {
        yield piece;
        throw new MeshError('handler-error');
      })(),
    );
    await stream.next();
    await expect(stream.next()).rejects.toMatchObject({ code: 'handler-error' });
    expect([await stream.next(), heard]).toEqual([DONE, ['over']]);
  });

  it('tells who waits when the run is stopped, whatever the handler does', async () => {
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const { stream, heard } = streamOf(never);
    const next = stream.next();
    stream.stop(new MeshError('deadline-exceeded'));
    stream.stop(new MeshError('client-gone'));
    await expect(next).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect([await stream.next(), heard]).toEqual([DONE, []]);
  });

  it('tells who comes for the next piece after it was stopped, once', async () => {
    const { stream } = streamOf((async function* () {})());
    stream.stop(new MeshError('deadline-exceeded'));
    await expect(stream.next()).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(await stream.next()).toEqual(DONE);
  });

  it('that nobody wants any more stops its run', async () => {
    const { stream, heard } = streamOf((async function* () {})());
    expect([await stream.return(), heard]).toEqual([DONE, ['left']]);
    expect([await stream.next(), heard]).toEqual([DONE, ['left']]);
  });
});
