import type { IncomingMessage } from 'node:http';
import { MeshError } from '#contracts';

/** Longer request targets are refused: 414. */
const MAX_TARGET_LENGTH = 8192;

/** What Node's parser lets pass and RFC 9112 does not. @throws MeshError `uri-too-long` or `bad-request` */
export function checkHead({ url, rawHeaders, httpVersionMajor, httpVersion }: IncomingMessage): void {
  if ((url as string).length > MAX_TARGET_LENGTH)
    throw new MeshError('uri-too-long', `At most ${MAX_TARGET_LENGTH} characters are accepted.`);
  // A request line without a version is HTTP/0.9, which has no headers and no statuses either.
  if (httpVersionMajor !== 1) throw new MeshError('bad-request', 'HTTP/1.0 and HTTP/1.1 are understood.');
  // Clause 3.2: exactly one. Which of two a proxy before us went by, nobody knows.
  const hosts = hostsIn(rawHeaders);
  if (hosts > 1) throw new MeshError('bad-request', 'There is more than one Host header.');
  if (hosts === 0 && httpVersion === '1.1') throw new MeshError('bad-request', 'The Host header is missing.');
}

/** @param rawHeaders name, value, name, value, … */
function hostsIn(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}
