import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { offerAwslambda } from './awslambda.js';
import { handler } from './index.js';
import { call } from './testing.js';

/* Functions that write into a stream, as AWS's documentation has them. */

interface Stream extends NodeJS.WritableStream {
  setContentType(type: string): void;
}
type Streaming = (event: { body?: unknown }, stream: Stream, context: unknown) => unknown;
declare const awslambda: {
  streamifyResponse(fn: Streaming): (event: unknown) => unknown;
  HttpResponseStream: { from(stream: Stream, metadata: object): Stream };
};

beforeAll(offerAwslambda);

const called = (
  fn: Streaming,
  event: 'apigateway-v1' | 'apigateway-v2' | 'payload' | 'mesh' = 'payload',
  source: 'http' | 'lambda' = 'http',
) =>
  call(handler('streams', { event: event as 'mesh' }, awslambda.streamifyResponse(fn)), {
    source,
    body: { n: 1 },
  });
const textOf = ({ raw }: { raw: Uint8Array }) => Buffer.from(raw).toString();

describe('a function that is marked', () => {
  it.each(['apigateway-v1', 'apigateway-v2', 'payload', 'mesh'] as const)(
    'writes its answer with its head: %s',
    async (event) => {
      const answer = await called(async (_, given, context) => {
        const stream = awslambda.HttpResponseStream.from(given, {
          statusCode: 203,
          headers: { 'Content-Type': 'text/html', 'x-tea': 'pot' },
          cookies: ['a=1'],
        });
        stream.write(`${typeof context} `);
        await new Promise((done) => setImmediate(done));
        stream.end('two');
      }, event);
      expect([answer.status, answer.headers, textOf(answer)]).toMatchObject([
        203,
        { 'content-type': 'text/html', 'x-tea': 'pot' },
        'function two',
      ]);
    },
  );

  it('may say its type alone, or nothing', async () => {
    const typed = await called(async (_, stream) => {
      stream.setContentType('text/csv');
      stream.end('a,b');
    });
    expect([typed.status, typed.headers['content-type'], textOf(typed)]).toEqual([200, 'text/csv', 'a,b']);
    const plain = await called(async (_, stream) => void stream.end('bytes'), 'apigateway-v1');
    expect([plain.headers['content-type'], textOf(plain)]).toEqual(['application/octet-stream', 'bytes']);
    const empty = await called(async (_, stream) => void stream.end());
    expect([empty.outcome, textOf(empty)]).toEqual(['ok', '']);
  });

  it('is held up while nobody takes more', async () => {
    const pieces = Array.from({ length: 64 }, () => Buffer.alloc(65_536, 'x'));
    const answer = await called((_, stream) => pipeline(Readable.from(pieces), stream));
    expect(answer.raw.length).toBe(64 * 65_536);
  });

  it.each<[string, Streaming]>([
    [
      'throws',
      () => {
        throw new RangeError('far');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('far'))],
    [
      'breaks its stream off',
      async (_, stream) => void (stream as unknown as Readable).destroy(new RangeError('far')),
    ],
  ])('fails where it %s', async (_, fn) => {
    const { outcome, body } = await called(fn, 'payload', 'lambda');
    expect([outcome, body]).toMatchObject([
      'handler-error',
      { errorType: 'RangeError', errorMessage: 'far' },
    ]);
  });

  it('fails where it returns before the end of its stream', async () => {
    const { outcome, body } = await called(() => undefined, 'payload', 'lambda');
    expect([outcome, body]).toMatchObject([
      'handler-error',
      { errorMessage: expect.stringContaining('end()') },
    ]);
  });

  it('may say no before its first piece', async () => {
    const no = await called(async (_, stream, context) => {
      (context as (...given: unknown[]) => void)('FAIL', { error: 'no' }, { status: 404 });
      stream.end();
    });
    expect([no.outcome, no.status, no.body]).toEqual(['failed', 404, { error: 'no' }]);
  });

  it('is refused a head that is none', async () => {
    const { outcome } = await called(
      async (_, stream) => void awslambda.HttpResponseStream.from(stream, { statusCode: 'ok' }).end('x'),
    );
    expect(outcome).toBe('bad-answer');
  });
});
