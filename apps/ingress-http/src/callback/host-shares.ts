/** Sent to one host at a time: a slow one leaves room for the others. */
export const SHARE = 16;
/** What a host is believed to take for an answer before it has given one, ms. */
const FIRST_GUESS_MS = 20;
/** Of the newest answer in the mean. */
const NEWEST = 0.2;
/** They come back so many times as fast as the host was seen to answer, for it may be faster by then. */
const OPTIMISM = 4;
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 60_000;

interface Host {
  busy: number;
  /** When the last of those that were sent away has its turn. */
  turn: number;
  /** How long an answer takes, ms. */
  mean: number;
}

/**
 * Who of many callbacks to one host may be sent now. The others are told when their turn may come, one after the
 * other at the pace at which the host answers: what waits for a slow host does not come by again and again.
 */
export class HostShares {
  readonly #hosts = new Map<string, Host>();

  /** Hosts of which something is remembered. */
  get size(): number {
    return this.#hosts.size;
  }

  /** @returns 0 when it may be sent; then {@link leave} has to follow. Else: come back after so many ms */
  enter(name: string, now: number): number {
    const host = this.#hosts.get(name) ?? { busy: 0, turn: 0, mean: FIRST_GUESS_MS };
    this.#hosts.set(name, host);
    if (host.busy < SHARE) {
      host.busy++;
      return 0;
    }
    const pace = host.mean / SHARE / OPTIMISM;
    host.turn = Math.min(Math.max(host.turn, now + LEAST_WAIT_MS) + pace, now + MOST_WAIT_MS);
    return host.turn - now;
  }

  /** @param took how long it took, ms */
  leave(name: string, now: number, took: number): void {
    const host = this.#hosts.get(name);
    if (!host) return;
    host.busy--;
    host.mean += (took - host.mean) * NEWEST;
    if (host.busy === 0 && host.turn <= now) this.#hosts.delete(name);
  }
}
