import { randomInt } from 'node:crypto';
import { expectFree } from '#servers';

/*
 * Ports that a process finds free again after it was killed: below those that the system gives to outgoing connections
 * (32768 and up on Linux, ip_local_port_range), of which one could take it meanwhile.
 */
const FROM = 18_000;
const TO = 32_000;

const taken = new Set<number>();

export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO);
    if (taken.has(port)) continue;
    taken.add(port);
    try {
      await expectFree('chaos', { port });
      return port;
    } catch {
      // Another program's: the next one.
    }
  }
}
