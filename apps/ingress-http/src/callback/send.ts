import type { LookupAddress } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import type { Target } from './resolve.js';

/** From the connection to the answer's head, ms. */
export const SEND_LIMIT_MS = 10_000;

export interface Answered {
  readonly status: number;
  /** `Retry-After` as received. */
  readonly retryAfter: string | undefined;
}

/**
 * POSTs to the checked addresses, whatever the name says by now. Follows no redirect: it would lead where nobody looked.
 * What comes back is not read.
 * @throws Error when there is no answer in time
 */
export function send(
  { url, addresses }: Target,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Answered> {
  const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request: ClientRequest = make(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.length) },
      lookup: always(addresses),
      // A connection of another time was checked by what the list and the name said then.
      agent: false,
      signal: AbortSignal.timeout(SEND_LIMIT_MS),
    });
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) => {
      resolve({ status: response.statusCode as number, retryAfter: response.headers['retry-after'] });
      response.destroy();
    });
    request.end(body);
  });
}

/** Node asks for one address or for all of them, by what it wants to try. */
function always(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  const [first] = known as [LookupAddress];
  return (_host, { all }, callback) => {
    if (all) callback(null, known);
    else callback(null, first.address, first.family);
  };
}
