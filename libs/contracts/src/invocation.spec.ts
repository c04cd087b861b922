import { describe, expect, it } from '@jest/globals';
import {
  type InvocationBatch,
  type InvocationRecord,
  packInvocations,
  unpackInvocations,
} from './invocation.js';

const ID = '0190a5b0-0000-7000-8000-000000000000';
const record: InvocationRecord = {
  id: ID,
  path: 'users/find',
  version: '1.0.0',
  source: 'http',
  status: 200,
  outcome: 'ok',
  startedAt: 1_760_000_000_123_456,
  duration: 1_234,
  attempt: 1,
  traceId: '0af7651916cd43dd8448eb211c80319c',
  caller: '198.51.100.0/24',
};
const { version, traceId, caller, ...bare } = record;
const batch: InvocationBatch = {
  batch: ID,
  executor: ID,
  records: [record, { ...bare, status: 404, outcome: 'no-route' }, { ...record, duration: 0, attempt: 7 }],
};

describe('a batch of invocation records', () => {
  it('comes back as it was packed, with what is absent left out', () => {
    expect(unpackInvocations(packInvocations(batch))).toEqual(batch);
  });

  it('writes what records have in common once', () => {
    const records = Array.from({ length: 500 }, () => record);
    const json = packInvocations({ ...batch, records });
    expect(JSON.parse(json).kinds).toHaveLength(1);
    expect(json.length / 500).toBeLessThan(150);
  });

  const spoilt: [string, (wire: Record<string, unknown[]>) => void][] = [
    ['a column that is shorter', (wire) => wire.duration?.pop()],
    ['a kind that is not there', (wire) => wire.kind?.splice(0, 1, 9)],
    ['an id that is none', (wire) => wire.id?.splice(0, 1, 'x')],
    ['an id in upper case', (wire) => wire.id?.splice(0, 1, ID.toUpperCase())],
    ['a time that is no number', (wire) => wire.at?.splice(0, 1, '2026')],
    ['a negative duration', (wire) => wire.duration?.splice(0, 1, -1)],
    ['a caller with NUL', (wire) => wire.caller?.splice(0, 1, 'a\0')],
    ['a caller with half a character', (wire) => wire.caller?.splice(0, 1, '\ud800')],
    ['a trace id that is none', (wire) => wire.trace?.splice(0, 1, 'zz')],
    ['a path that is none', (wire) => wire.kinds?.splice(0, 1, { ...record, path: '../x' })],
    ['a version with NUL', (wire) => wire.kinds?.splice(0, 1, { ...record, version: '1\0' })],
    ['no record', (wire) => wire.id?.splice(0)],
  ];
  it.each(spoilt)('is refused with %s', (_what, spoil) => {
    const wire = JSON.parse(packInvocations(batch));
    spoil(wire);
    expect(() => unpackInvocations(JSON.stringify(wire))).toThrow();
  });

  it('is refused when it is no JSON', () => {
    expect(() => unpackInvocations('{')).toThrow();
  });
});
