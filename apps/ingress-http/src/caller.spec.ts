import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { callerOf, networkOf } from './caller.js';

describe('who calls', () => {
  it.each([
    ['198.51.100.7', '198.51.100.0/24'],
    ['::ffff:198.51.100.7', '198.51.100.0/24'],
    ['2001:db8:1:2::7', '2001:db8:1::/48'],
    ['2001:db8::7', '2001:db8:0::/48'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['fe80::1%eth0', 'fe80:0:0::/48'],
    ['::1', '0:0:0::/48'],
  ])('%s is known as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is remembered for a connection, and unknown on one that has gone', () => {
    const socket = { remoteAddress: '198.51.100.7' } as { remoteAddress?: string };
    expect(callerOf(socket as Socket)).toBe('198.51.100.0/24');
    expect(callerOf(socket as Socket)).toBe('198.51.100.0/24');
    expect(callerOf({} as Socket)).toBeUndefined();
    expect(callerOf(undefined)).toBeUndefined();
  });
});
