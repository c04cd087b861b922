import { describe, expect, it } from '@jest/globals';
import { decodeHeaders, encodeHeaders } from '#contracts';
import { scheduled } from './schedule.js';

describe('work for later', () => {
  it('keeps its headers and says when and where', () => {
    const block = scheduled(
      encodeHeaders({ 'Nats-Msg-Id': 'a', 'mesh-id': 'a' }),
      Date.UTC(2030, 0, 31),
      'mesh.work.a.b',
    );
    expect(decodeHeaders(block)).toEqual({
      'nats-msg-id': 'a',
      'mesh-id': 'a',
      'nats-schedule': '@at 2030-01-31T00:00:00.000Z',
      'nats-schedule-target': 'mesh.work.a.b',
    });
    // The server reads its own headers in this very case.
    expect(Buffer.from(block).toString()).toContain('\r\nNats-Msg-Id: a\r\n');
  });
});
