import { describe, expect, it } from '@jest/globals';
import { decodeHeaders, decodeResult, HEADER_ROOM_BYTES, MeshError } from '#contracts';
import { errorOutcome, type Outcome } from '#handler/runtime';
import { replyOf } from './settle.js';

const ID = '0190d0c0-0000-7000-8000-000000000001';
const MAX = 1_000;
const ok = (body: string, more: Partial<Outcome> = {}): Outcome => ({
  outcome: 'ok',
  status: 200,
  contentType: 'text/plain',
  body: Buffer.from(body),
  ...more,
});

describe('the reply to an outcome', () => {
  it.each<[string, Outcome, object]>([
    ['OK', ok('found'), { outcome: 'ok', status: 200, contentType: 'text/plain' }],
    ['FAIL', ok('no', { outcome: 'failed', status: 400 }), { outcome: 'failed', status: 400 }],
    ['nothing', { outcome: 'ok', status: 204, body: new Uint8Array(0) }, { outcome: 'ok', status: 204 }],
    ['an error', errorOutcome(new MeshError('handler-error'), ID), { outcome: 'handler-error', status: 500 }],
    [
      'headers and cookies',
      ok('', { meta: { headers: { a: 'b' }, cookies: ['c=d'] } }),
      { meta: { headers: { a: 'b' }, cookies: ['c=d'] } },
    ],
  ])('%s', (_, outcome, result) => {
    const reply = replyOf(outcome, ID, '1.0.0', MAX);
    expect(decodeResult(decodeHeaders(reply.headers))).toMatchObject({ id: ID, version: '1.0.0', ...result });
    expect(reply.body).toEqual(outcome.body);
    expect(reply.outcome).toBe(outcome.outcome);
  });

  it('names no version where none ran', () => {
    const { headers } = replyOf(errorOutcome(new MeshError('no-route'), ID), ID, undefined, MAX);
    expect(decodeResult(decodeHeaders(headers))).not.toHaveProperty('version');
  });

  it('fits up to the last byte; beyond it is answer-too-large', () => {
    expect(replyOf(ok('x'.repeat(MAX)), ID, '1.0.0', MAX).outcome).toBe('ok');
    const reply = replyOf(ok('x'.repeat(MAX + 1)), ID, '1.0.0', MAX);
    expect(decodeResult(decodeHeaders(reply.headers))).toMatchObject({
      outcome: 'answer-too-large',
      status: 500,
    });
    expect(JSON.parse(Buffer.from(reply.body).toString())).toMatchObject({
      code: 'answer-too-large',
      detail: 'It has 1001 bytes; at most 1000 fit.',
      instance: `urn:uuid:${ID}`,
    });
  });

  it.each<[string, Partial<Outcome>]>([
    ['content type', { contentType: 'x'.repeat(HEADER_ROOM_BYTES) }],
    // On the wire each of these is six characters.
    ['headers', { meta: { headers: { a: 'é'.repeat(HEADER_ROOM_BYTES / 4) } } }],
  ])('whose %s takes more room than headers have is answer-too-large, too', (_, more) => {
    const reply = replyOf(ok('', more), ID, '1.0.0', MAX);
    expect(decodeResult(decodeHeaders(reply.headers)).outcome).toBe('answer-too-large');
    expect(reply.headers.length + reply.body.length).toBeLessThan(HEADER_ROOM_BYTES + MAX);
  });
});
