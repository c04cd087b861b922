import { setTimeout as delay } from 'node:timers/promises';
import { HttpConnection } from './connection.mjs';

/*
 * Requests at a rate, whether or not the ones before have been answered: what many callers who know nothing of each other
 * do. Latency counts from when a request was due, so that what holds up the generator or the server shows.
 */

const TICK_MS = 1;
/** Beyond so many unanswered ones a request is not sent, and counts as failed. */
const MOST_UNANSWERED = 4_000;

export class OpenLoop {
  #idle = [];
  #all = new Set();
  #unanswered = 0;
  /** Connections that may still be used at once. */
  #left;
  /** Of those that are due, who wait for a connection. */
  #waiting = [];

  /**
   * @param {string} url of the server; its path is asked for
   * @param {{ headers?: Record<string, string>, connections?: number }} options more headers; and connections at the most,
   *   for which requests then wait, as in a client with a pool
   */
  constructor(url, { headers = {}, connections = MOST_UNANSWERED } = {}) {
    const { port, pathname, search } = new URL(url);
    this.port = Number(port);
    this.#left = connections;
    const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map((one) => one.join(': '));
    this.request = Buffer.from([`GET ${pathname}${search} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
  }

  /**
   * @param {{ perSecond: number, seconds: number }} load
   * @returns {Promise<{ sent: number, seconds: number, latencies: Record<string, number[]> }>} milliseconds by status; 0: no
   *   answer. `seconds` until the last request was due
   */
  async run({ perSecond, seconds }) {
    const count = Math.round(perSecond * seconds);
    const latencies = {};
    const from = performance.now();
    const pending = [];
    for (let sent = 0; sent < count; ) {
      const due = Math.min(count, Math.floor(((performance.now() - from) / 1_000) * perSecond) + 1);
      for (; sent < due; sent++) pending.push(this.#one(from + (sent * 1_000) / perSecond, latencies));
      await delay(TICK_MS);
    }
    await Promise.all(pending);
    return { sent: count, seconds, latencies };
  }

  close() {
    for (const connection of this.#all) connection.close();
  }

  async #one(due, latencies) {
    const status = this.#unanswered >= MOST_UNANSWERED ? 0 : await this.#ask();
    latencies[status] ??= [];
    latencies[status].push(performance.now() - due);
  }

  async #ask() {
    this.#unanswered++;
    if (this.#left > 0) this.#left--;
    else await new Promise((turn) => this.#waiting.push(turn));
    const status = await this.#send();
    // Who has waited longest has its place.
    const next = this.#waiting.shift();
    if (next) next();
    else this.#left++;
    this.#unanswered--;
    return status;
  }

  async #send() {
    const connection = this.#free();
    const status = await connection.send(this.request);
    if (connection.broken) this.#all.delete(connection);
    else this.#idle.push(connection);
    return status;
  }

  /** The one used last: those that a burst left over are closed by the server in time. */
  #free() {
    for (;;) {
      const connection = this.#idle.pop() ?? this.#connect();
      if (!connection.broken) return connection;
      this.#all.delete(connection);
    }
  }

  #connect() {
    const connection = new HttpConnection(this.port);
    this.#all.add(connection);
    return connection;
  }
}
