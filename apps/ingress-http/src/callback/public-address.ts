import { BlockList, isIPv4, isIPv6 } from 'node:net';

/*
 * Addresses that mean something only here: IANA's special-purpose registries (RFC 6890 and what came after it), and
 * those that carry an IPv4 address inside, which lead wherever that one does.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** Of the one block that is given out: Teredo and its neighbours, documentation, 6to4. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
const GLOBAL_IPV6 = ['2000::/3'];
const MAPPED = /^::ffff:/i;

/** A set of networks. */
export class Networks {
  readonly #list = new BlockList();

  /** @param cidrs such as `10.0.0.0/8` or `fd00::/8`, or a single address */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', prefix] = cidr.split('/');
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      this.#list.addSubnet(address, Number(prefix ?? (family === 'ipv4' ? 32 : 128)), family);
    }
  }

  get isEmpty(): boolean {
    return this.#list.rules.length === 0;
  }

  has(address: string): boolean {
    const plain = plainAddress(address);
    return this.#list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }
}

const specialIpv4 = new Networks(SPECIAL_IPV4);
const specialIpv6 = new Networks(SPECIAL_IPV6);
const globalIpv6 = new Networks(GLOBAL_IPV6);

/** Whether an address is one on the internet, and not of this machine or network. */
export function isPublic(address: string): boolean {
  const plain = plainAddress(address);
  if (isIPv4(plain)) return !specialIpv4.has(plain);
  return isIPv6(plain) && globalIpv6.has(plain) && !specialIpv6.has(plain);
}

/** `::ffff:7f00:1` is `127.0.0.1` to the system; without a zone, which is this machine's own matter. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '');
  if (!MAPPED.test(bare)) return bare;
  const rest = bare.replace(MAPPED, '');
  if (isIPv4(rest)) return rest;
  const [high = 0, low = 0] = rest.split(':').map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Whether a text is a network in the form that {@link Networks} takes. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  if (more !== undefined || !(isIPv4(address) || isIPv6(address))) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128));
}
