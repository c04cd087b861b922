import type { Socket } from 'node:net';

const MAPPED = /^::ffff:(?=\d+\.)/i;
const IPV6_GROUPS = 8;
/** Groups of 16 bits that are kept: what a provider gives to one customer or site. */
const KEPT_GROUPS = 3;

/** Of each connection once: many requests come on it. */
const known = new WeakMap<Socket, string>();

/** Who calls, for the records of what ran: the network of the peer (ADR 0080), which behind a proxy is the proxy's. */
export function callerOf(socket: Socket | undefined): string | undefined {
  const address = socket?.remoteAddress;
  if (!socket || address === undefined) return undefined;
  const found = known.get(socket) ?? networkOf(address);
  known.set(socket, found);
  return found;
}

/** `198.51.100.7` → `198.51.100.0/24`, `2001:db8:1:2::7` → `2001:db8:1::/48`: where from, not who. */
export function networkOf(address: string): string {
  const plain = address.replace(MAPPED, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  const [left = '', right = ''] = plain.split('::');
  const [before, after] = [left, right].map((part) => (part === '' ? [] : part.split(':'))) as [
    string[],
    string[],
  ];
  const between = Array<string>(Math.max(0, IPV6_GROUPS - before.length - after.length)).fill('0');
  return `${[...before, ...between, ...after].slice(0, KEPT_GROUPS).join(':')}::/48`;
}
