import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { call } from '@lambda-mesh/handler/testing';
import gzip from './handler.js';

describe('files/gzip', () => {
  it('gives every byte back', async () => {
    const sent = new Uint8Array(randomBytes(5000));
    const answer = await call(gzip, { body: sent, headers: { 'content-type': 'image/png' } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/gzip', 'x-original-length': '5000' },
    });
    expect(gunzipSync(answer.raw).equals(sent)).toBe(true);
  });

  it('says no to nothing', async () => {
    expect(await call(gzip)).toMatchObject({ outcome: 'failed', status: 400 });
  });
});
