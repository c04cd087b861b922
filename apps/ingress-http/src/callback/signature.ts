import { createHmac } from 'node:crypto';

/**
 * Header `mesh-signature`: `t=<seconds>,v1=<hex>`, HMAC-SHA-256 of `<seconds>.<body>`. Who receives it makes it again with
 * the secret, compares in constant time, and refuses what is older than a few minutes, so that nobody sends it again.
 * @param seconds since 1970
 */
export function signatureOf(secret: string, seconds: number, body: Uint8Array): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${mac}`;
}
