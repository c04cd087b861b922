import { describe, expect, it } from '@jest/globals';
import { MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { fromOutcome } from './from-outcome.js';

const ok = (body: string | Uint8Array, contentType?: string): Outcome => ({
  outcome: 'ok',
  status: 200,
  body: Buffer.from(body),
  ...(contentType ? { contentType } : {}),
});
const error = (code: ConstructorParameters<typeof MeshError>[0], cause?: unknown): Outcome =>
  errorOutcome(new MeshError(code), 'id', cause);

describe('an outcome', () => {
  it.each<[string, Outcome, number, unknown]>([
    ['JSON', ok('{"a":[1]}', 'application/json'), 200, { result: { a: [1] } }],
    ['JSON with a byte order mark', ok('\ufeff{"a":1}', 'application/json'), 200, { result: { a: 1 } }],
    ['what says that it is JSON and is not', ok('not json', 'application/json'), 200, { result: 'not json' }],
    ['what would add to the answer', ok('1,"x":2', 'application/json'), 200, { result: '1,"x":2' }],
    ['text', ok('hé', 'text/plain; charset=utf-8'), 200, { result: 'hé' }],
    ['bytes', ok(new Uint8Array([255]), 'application/octet-stream'), 200, { result: '/w==' }],
    ['nothing', ok(''), 200, { result: null }],
    [
      'no',
      { ...ok('{"error":"no"}', 'application/json'), outcome: 'failed', status: 422 },
      400,
      { detail: { error: 'no' } },
    ],
    ['a throw', error('handler-error', new RangeError('too far')), 400, { detail: 'too far' }],
    ['not loaded', error('no-handler'), 500, { detail: 'Handler function not loaded' }],
    ['late', error('deadline-exceeded'), 504, { detail: 'No answer came before the deadline.' }],
    ['crashed', error('worker-crashed'), 502, { detail: "The handler's worker ended unexpectedly." }],
  ])('%s', (_, outcome, status, body) => {
    const answer = fromOutcome(outcome);
    expect([answer.status, JSON.parse(answer.json)]).toEqual([status, body]);
  });
});
