import { describe, expect, it } from '@jest/globals';
import { decodeHeaders, encodeEvent } from '#contracts';
import { originOf } from './what-headers-say.js';

const ID = '0190a5b0-0000-7000-8000-000000000000';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('what the headers of an event say of its origin', () => {
  it('reads what an ingress wrote', () => {
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    const headers = decodeHeaders(encodeEvent({ id: ID, meta: { source: 'http', path: '/x' }, traceparent }));
    expect(originOf(headers)).toEqual({ source: 'http', traceId: TRACE });
  });

  it.each([
    [undefined, { source: 'nats' }],
    ['{"source":"sqs","caller":"orders","attributes":{}}', { source: 'sqs', caller: 'orders' }],
    ['{"caller":"orders","source":"sqs"}', { source: 'sqs', caller: 'orders' }],
    ['{"source":"sqs","caller":"a\\u0000b\\"c"}', { source: 'sqs' }],
    ['{ "source": "mqtt" }', { source: 'mqtt' }],
    ['{"source":"telegraph"}', { source: 'nats' }],
    ['{"source":5,"caller":{}}', { source: 'nats' }],
    ['null', { source: 'nats' }],
    ['{', { source: 'nats' }],
  ])('%s', (meta, origin) => {
    expect(originOf(meta === undefined ? {} : { 'mesh-meta': meta })).toEqual(origin);
  });

  it('keeps of a caller from elsewhere what can be written down', () => {
    const meta = JSON.stringify({ caller: `a\0b\ud800${'x'.repeat(300)}`, source: 'call' });
    const { caller = '' } = originOf({ 'mesh-meta': meta });
    expect(caller.startsWith('ab\ufffdx')).toBe(true);
    expect(caller.length).toBeLessThanOrEqual(200);
  });

  it.each(['', 'x', `00-${TRACE}`, `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`])(
    'no trace id in %p',
    (traceparent) => {
      expect(originOf({ traceparent })).toEqual({ source: 'nats' });
    },
  );
});
