import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import ticks from './handler.js';

describe('clock/ticks', () => {
  it('gives an event every so often, for as long as it is listened to', async () => {
    const answer = await call<Uint8Array>(ticks, { query: { every: '10' } }, { take: 3 });
    expect(answer).toMatchObject({
      outcome: 'ok',
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
    });
    expect(answer.pieces.map((piece) => Buffer.from(piece).toString())).toEqual(
      [1, 2, 3].map((n) =>
        expect.stringMatching(`^event: tick\nid: ${n}\ndata: {"n":${n},"time":".*"}\n\n$`),
      ),
    );
  });

  it('goes on after the event that was seen last', async () => {
    const answer = await call(ticks, { headers: { 'last-event-id': '41' } }, { take: 1 });
    expect(Buffer.from(answer.raw).toString()).toContain('id: 42\n');
  });

  it('ends in good order before its time is over', async () => {
    const answer = await call(ticks, { query: { every: '500' } }, { timeout: 2_000 });
    expect(answer.outcome).toBe('ok');
    expect(answer.pieces.length).toBeGreaterThan(0);
  });
});
