import { expect, it } from '@jest/globals';
import { isLoopback } from './listen-address.js';

it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s is reached from this machine alone', (host) => {
  expect(isLoopback(host)).toBe(true);
});

// Whatever is not surely loopback is taken for open: refusing to start is the cheaper mistake.
it.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '128.0.0.1',
  '',
  '127',
  ' 127.0.0.1',
])('%j is not', (host) => expect(isLoopback(host)).toBe(false));
