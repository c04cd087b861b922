/*
 * The kinds of streams that a handler may return, each as something that is asked for one value after the other. Not by
 * the iterator of each: that of a web stream and of Node's answer to `return()` only after the `next()` before it, so
 * that a stream which waits for its next value could not be ended.
 */

export interface StreamSource {
  next(): PromiseLike<IteratorResult<unknown>>;
  /** Nobody wants more. @returns what resolves when it has ended */
  stop(): unknown;
}

interface Candidate {
  readonly [Symbol.asyncIterator]?: () => AsyncIterator<unknown>;
  readonly [Symbol.iterator]?: () => Iterator<unknown>;
  readonly next?: unknown;
  readonly getReader?: () => ReadableStreamDefaultReader<unknown>;
  readonly destroy?: () => unknown;
}

/** Something asynchronous to iterate, a web stream, a Blob, or an iterator such as a generator's. A list is none. */
export function isStream(value: object): boolean {
  const candidate = value as Candidate;
  return (
    typeof candidate[Symbol.asyncIterator] === 'function' ||
    typeof candidate.getReader === 'function' ||
    (typeof candidate.next === 'function' && typeof candidate[Symbol.iterator] === 'function') ||
    value instanceof Blob
  );
}

/** @param value for which {@link isStream} holds */
export function openSource(value: object): StreamSource {
  const candidate = value as Candidate;
  if (value instanceof Blob) return fromWeb(value.stream() as unknown as Candidate);
  if (typeof candidate.getReader === 'function') return fromWeb(candidate);
  const iterate = candidate[Symbol.asyncIterator];
  if (typeof iterate === 'function') return fromIterator(iterate.call(value), candidate);
  return fromValues((candidate[Symbol.iterator] as () => Iterator<unknown>).call(value));
}

function fromWeb(stream: Candidate): StreamSource {
  const reader = (stream.getReader as () => ReadableStreamDefaultReader<unknown>)();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    stop: () => reader.cancel(),
  };
}

/** Node's own streams have `destroy`, which ends a `next()` that waits; of a generator that one comes first. */
function fromIterator(iterator: AsyncIterator<unknown>, stream: Candidate): StreamSource {
  return {
    next: () => iterator.next(),
    stop: () => (typeof stream.destroy === 'function' ? stream.destroy() : iterator.return?.()),
  };
}

function fromValues(iterator: Iterator<unknown>): StreamSource {
  return {
    next: async () => {
      const { done, value } = iterator.next();
      return done ? { done, value: undefined } : { done: false, value: await value };
    },
    stop: () => iterator.return?.(),
  };
}
