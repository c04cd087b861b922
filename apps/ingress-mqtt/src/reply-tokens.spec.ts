import { describe, expect, it } from '@jest/globals';
import { type Address, ReplyTokens } from './reply-tokens.js';

const tokens = new ReplyTokens('secret');

describe('the word for an address', () => {
  it.each<Address>([
    { topic: 'reply/1', qos: 0 },
    { topic: 'reply/ü ☃', qos: 1, correlation: Buffer.of(0, 255, 1) },
    { topic: 'a', qos: 1, correlation: Buffer.of() },
  ])('gives it back: %j', (address) => {
    const opened = tokens.open(tokens.seal(address));
    expect(
      opened && { ...opened, ...(opened.correlation && { correlation: Buffer.from(opened.correlation) }) },
    ).toEqual(address);
  });

  it('is one token of a subject', () => {
    expect(tokens.seal({ topic: 'a/b.c > *', qos: 1 })).toMatch(/^[0-9A-Za-z_-]+$/);
  });

  it.each(['', 'x', 'AAAA', 'A'.repeat(40)])('that nobody sealed is none: %j', (token) => {
    expect(tokens.open(token)).toBeUndefined();
  });

  it('that was changed, or sealed with another secret, is none', () => {
    const token = tokens.seal({ topic: 'reply/1', qos: 0 });
    expect(tokens.open(token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))).toBeUndefined();
    expect(new ReplyTokens('other').open(token)).toBeUndefined();
  });
});
