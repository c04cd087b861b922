import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkContentDigest } from './content-digest.js';

const bytes = Buffer.from('hello');
const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('base64');
const sha256 = `sha-256=:${digest('sha256')}:`;
const sha512 = `sha-512=:${digest('sha512')}:`;
const other = `sha-256=:${'A'.repeat(43)}=:`;

describe('Content-Digest', () => {
  it.each([
    ['none', undefined],
    ['sha-256', sha256],
    ['sha-512', sha512],
    ['both', `${sha256}, ${sha512}`],
    ['one that we do not know, passed over', `crc32c=:AAAA:, ${sha256}`],
  ])('%s holds', (_, header) => {
    expect(() => checkContentDigest(header, bytes)).not.toThrow();
  });

  it.each([
    ['another digest', other, 'digest-mismatch'],
    ['one right, one wrong', `${sha512},${other}`, 'digest-mismatch'],
    ['too short', 'sha-256=:AAAA:', 'digest-mismatch'],
    ['empty', 'sha-256=::', 'digest-mismatch'],
    ['no byte sequence', `sha-256=${digest('sha256')}`, 'bad-request'],
    ['nothing', ' ', 'bad-request'],
    ['text', 'sha-256', 'bad-request'],
  ])('%s is refused', (_, header, code) => {
    expect(() => checkContentDigest(header, bytes)).toThrow(expect.objectContaining({ code }));
  });
});
