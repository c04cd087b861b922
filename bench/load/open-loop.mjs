import { setTimeout as delay } from 'node:timers/promises';
import { HttpConnection } from './connection.mjs';

/*
 * Requests at a rate, whether or not the ones before have been answered: what many callers who know nothing of each other
 * do. Latency counts from when a request was due, so that what holds up the generator or the server shows.
 */

const TICK_MS = 1;
/** Beyond so many unanswered ones a request is not sent, and counts as failed. */
const MOST_OPEN = 4_000;

export class OpenLoop {
  #idle = [];
  #all = new Set();
  #open = 0;

  /** @param {string} url of the server; its path is asked for @param {Record<string, string>} headers more of them */
  constructor(url, headers = {}) {
    const { port, pathname, search } = new URL(url);
    this.port = Number(port);
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
    const status = this.#open >= MOST_OPEN ? 0 : await this.#ask();
    latencies[status] ??= [];
    latencies[status].push(performance.now() - due);
  }

  async #ask() {
    this.#open++;
    const connection = this.#free();
    const status = await connection.send(this.request);
    if (connection.broken) this.#all.delete(connection);
    else this.#idle.push(connection);
    this.#open--;
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
