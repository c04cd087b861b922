import { connect, createInbox } from '@nats-io/transport-node';

/*
 * NATS as a good engineer uses it by hand: one connection, one wildcard subscription for every reply, a table of who
 * waits, and one write for what a turn of the event loop brought. Logins, permissions and subjects are those of the
 * mesh, so that the server has the same work.
 */

export const subject = process.env.BENCH_SUBJECT;
export const QUEUE = 'executor';
const DEADLINE_MS = 30_000;
const SWEEP_MS = 500;

export function connectAs(user) {
  return connect({
    servers: process.env.BENCH_NATS_URL,
    user,
    pass: process.env.BENCH_NATS_PASSWORD,
    name: 'bench-floor',
    // A stack trace a request costs more than the request.
    noAsyncTraces: true,
  });
}

/**
 * Who waits for which reply. All wait equally long, so that the oldest is always first: one timer sweeps them,
 * which is cheaper than a timer each.
 */
export class Waiters {
  #byToken = new Map();
  #next = 0;

  constructor(nc, onReply, onTimeout) {
    this.inbox = `${createInbox('_INBOX.ingress')}.`;
    nc.subscribe(`${this.inbox}*`, {
      callback: (_error, message) => {
        const waiter = this.#take(message.subject.slice(this.inbox.length));
        if (waiter) onReply(waiter.response, message);
      },
    });
    setInterval(() => this.#sweep(onTimeout), SWEEP_MS).unref();
  }

  /** @returns the subject to reply to */
  add(response) {
    const token = String(this.#next++);
    this.#byToken.set(token, { response, since: performance.now() });
    return this.inbox + token;
  }

  #take(token) {
    const waiter = this.#byToken.get(token);
    if (waiter) this.#byToken.delete(token);
    return waiter;
  }

  #sweep(onTimeout) {
    const oldest = performance.now() - DEADLINE_MS;
    for (const [token, { response, since }] of this.#byToken) {
      if (since > oldest) return;
      this.#byToken.delete(token);
      onTimeout(response);
    }
  }
}

export function refuse(response, status) {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}

export const refuseLate = (response) => refuse(response, 504);

/**
 * Publishes at the end of the turn: the client itself writes after each callback, and every connection that had a
 * request brought it in a callback of its own. BENCH_WRITES=single leaves it at that.
 */
export function publisher(nc) {
  if (process.env.BENCH_WRITES === 'single') return (...message) => nc.publish(...message);
  let unsent = [];
  const sendAll = () => {
    const messages = unsent;
    unsent = [];
    for (const [to, body, options] of messages) nc.publish(to, body, options);
  };
  return (...message) => {
    if (unsent.push(message) === 1) setImmediate(sendAll);
  };
}
