import { isIP } from 'node:net';
import { MeshError } from '#contracts';
import { isNetwork, isPublic, Networks } from './public-address.js';

/*
 * Where results may be sent, by the operator's list MESH_CALLBACK_ALLOW:
 *
 *   hooks.example.org   a host
 *   *.example.org       the hosts below it
 *   *                   any host
 *   10.1.0.0/16         addresses, also private ones; no other entry opens those
 *
 * A host is allowed by its name or by its addresses; each of its addresses must be public or in the list. Names may
 * change what they mean at any moment, so the sender checks again, and connects to the very address that it checked.
 */

const HOST_PATTERN = /^(\*|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)$/;
const MAX_URL_LENGTH = 2_048;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_IN_URL = /[\u0000-\u0020\u007f-\uffff]/;

/** Whether a text is an entry of the list. */
export const isTarget = (text: string): boolean => isNetwork(text) || HOST_PATTERN.test(text.toLowerCase());

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export class AllowedTargets {
  readonly #hosts: readonly string[];
  readonly #networks: Networks;

  constructor(entries: readonly string[]) {
    this.#networks = new Networks(entries.filter(isNetwork));
    this.#hosts = entries.filter((entry) => !isNetwork(entry)).map((entry) => entry.toLowerCase());
  }

  /**
   * Checks a URL as far as it can be without asking anyone.
   * @returns it, and the address where that stands in it
   * @throws MeshError `bad-request`
   */
  parse(text: string): { url: URL; address: string | undefined } {
    if (text.length > MAX_URL_LENGTH || NOT_IN_URL.test(text)) throw refused('is no URL');
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !['https:', 'http:'].includes(url.protocol)) throw refused('must be an http or https URL');
    if (url.username !== '' || url.password !== '') throw refused('must hold no user name and no password');
    // The parser has made one form of all ways to write an address: 0x7f.1 is 127.0.0.1.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const address = isIP(host) > 0 ? host : undefined;
    if (address !== undefined) this.checkAddresses(host, [address]);
    return { url, address };
  }

  /** @throws MeshError `bad-request` unless the host may be called at every one of these addresses */
  checkAddresses(host: string, addresses: readonly string[]): void {
    if (addresses.length === 0) throw refused('names a host without an address');
    const byName = this.hasHost(host);
    if (!byName && !addresses.every((address) => this.#networks.has(address)))
      throw refused('names a host that is not allowed here');
    if (!addresses.every((address) => isPublic(address) || this.#networks.has(address)))
      throw refused('leads to an address that is not allowed here');
  }

  /** Before a name is resolved: asking is telling, and only who is in the list is asked for. */
  mayResolve(host: string): boolean {
    return this.hasHost(host) || !this.#networks.isEmpty;
  }

  /** Whether its name is in the list. */
  hasHost(name: string): boolean {
    const host = name.toLowerCase().replace(/\.$/, '');
    return this.#hosts.some((pattern) => {
      if (pattern === '*') return true;
      return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
    });
  }
}

export const refused = (why: string) => new MeshError('bad-request', `mesh-callback ${why}.`);
