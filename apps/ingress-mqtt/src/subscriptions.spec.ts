import { describe, expect, it } from '@jest/globals';
import { Subscriptions } from './subscriptions.js';

/** A broker that keeps what it is told, in order. */
class Told {
  connected = true;
  readonly said: string[] = [];
  refuse = new Set<string>();
  onSubscribe: () => void = () => {};

  async subscribe(filters: readonly string[], { retained }: { retained: boolean }): Promise<boolean[]> {
    this.said.push(`${retained ? '*' : '+'}${filters.join(' ')}`);
    this.onSubscribe();
    return filters.map((filter) => !this.refuse.has(filter));
  }
  async unsubscribe(filters: readonly string[]): Promise<void> {
    this.said.push(`-${filters.join(' ')}`);
  }
}

function subscriptionsOf(wanted: Set<string>, share?: string) {
  const broker = new Told();
  const errors: unknown[] = [];
  const log = { error: (_: string, fields?: unknown) => void errors.push(fields), warn: () => undefined };
  const memory = {
    filters: [] as string[],
    recall: async () => memory.filters,
    remember: async (filters: Iterable<string>) => {
      memory.filters = [...filters];
    },
  };
  const state = { isIdle: true };
  const plan = {
    wanted: () => wanted,
    wantsRetained: (filter: string) => filter.startsWith('kept'),
    isIdle: () => state.isIdle,
    share,
  };
  return { broker, errors, memory, state, subscriptions: new Subscriptions(broker, plan, memory, log) };
}

describe('subscriptions', () => {
  it('subscribe what is new before they give up what is old', async () => {
    const wanted = new Set(['a']);
    const { broker, subscriptions } = subscriptionsOf(wanted);
    await subscriptions.sync();
    wanted.clear();
    wanted.add('b').add('c');
    expect(subscriptions.complete).toBe(false);
    await subscriptions.sync();
    expect(broker.said).toEqual(['+a', '+b c', '-a']);
    expect(subscriptions.complete).toBe(true);
  });

  it('notice what changes while the broker is asked', async () => {
    const wanted = new Set(['a']);
    const { broker, subscriptions } = subscriptionsOf(wanted);
    broker.onSubscribe = () => wanted.add('b');
    await subscriptions.sync();
    expect(broker.said).toEqual(['+a', '+b']);
  });

  it('ask a hundred at a time', async () => {
    const wanted = new Set(Array.from({ length: 250 }, (_, index) => `t${index}`));
    const { broker, subscriptions } = subscriptionsOf(wanted);
    await subscriptions.sync();
    expect(broker.said.map((line) => line.split(' ').length)).toEqual([100, 100, 50]);
    expect(subscriptions.size).toBe(250);
  });

  it('say nothing again to a broker that kept the session, and all to one that did not', async () => {
    const { broker, subscriptions } = subscriptionsOf(new Set(['a']));
    await subscriptions.reconnected(false);
    await subscriptions.reconnected(true);
    expect(broker.said).toEqual(['+a']);
    await subscriptions.reconnected(false);
    expect(broker.said).toEqual(['+a', '+a']);
  });

  it('that are refused are named, leave it incomplete, and are asked for again with the next connection', async () => {
    const { broker, errors, subscriptions } = subscriptionsOf(new Set(['a', 'secret']));
    broker.refuse.add('secret');
    await subscriptions.sync();
    expect(errors).toEqual([{ count: 1, first: ['secret'] }]);
    expect(subscriptions.complete).toBe(false);
    broker.refuse.clear();
    await subscriptions.reconnected(true);
    expect(broker.said).toEqual(['+a secret', '+secret']);
    expect(subscriptions.complete).toBe(true);
  });

  it('give up what comes without being wanted', async () => {
    const { broker, subscriptions } = subscriptionsOf(new Set(['a']));
    await subscriptions.sync();
    subscriptions.forget('left/over');
    await subscriptions.sync();
    expect(broker.said).toEqual(['+a', '-left/over']);
  });

  it('ask for what was retained only where a handler wants it', async () => {
    const { broker, subscriptions } = subscriptionsOf(new Set(['a', 'kept/1', 'b', 'kept/2']));
    await subscriptions.sync();
    expect(broker.said).toEqual(['+a b', '*kept/1 kept/2']);
  });

  it('are shared in a group, under the names that the broker has for that', async () => {
    const wanted = new Set(['a', 'b/#']);
    const { broker, subscriptions } = subscriptionsOf(wanted, 'mesh');
    await subscriptions.sync();
    wanted.delete('a');
    await subscriptions.sync();
    expect(broker.said).toEqual(['+$share/mesh/a $share/mesh/b/#', '-$share/mesh/a']);
  });

  it('that others cover are kept until the broker has nothing more to give, others are given up at once', async () => {
    const wanted = new Set(['a/b', 'c']);
    const { broker, state, subscriptions } = subscriptionsOf(wanted);
    await subscriptions.sync();
    wanted.clear();
    wanted.add('a/#');
    state.isIdle = false;
    const synced = subscriptions.sync();
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(broker.said).toEqual(['+a/b c', '+a/#', '-c']);
    expect(subscriptions.complete).toBe(true);
    state.isIdle = true;
    await synced;
    expect(broker.said.at(-1)).toBe('-a/b');
  });

  it('of an earlier life are given up where nobody wants them any more', async () => {
    const { broker, memory, subscriptions } = subscriptionsOf(new Set(['a', 'b']));
    memory.filters = ['a', 'old/#'];
    await subscriptions.reconnected(true);
    expect(broker.said).toEqual(['+a b', '-old/#']);
    expect(memory.filters).toEqual(['old/#', 'a', 'b']);
    await subscriptions.reconnected(true);
    expect(broker.said).toHaveLength(2);
  });

  it('of a session that the broker did not keep are not given up', async () => {
    const { broker, memory, subscriptions } = subscriptionsOf(new Set(['a']));
    memory.filters = ['old/#'];
    await subscriptions.reconnected(false);
    expect(broker.said).toEqual(['+a']);
  });

  it('wait for the next connection when this one ends', async () => {
    const { broker, subscriptions } = subscriptionsOf(new Set(['a']));
    broker.onSubscribe = () => {
      throw new Error('closed');
    };
    await subscriptions.sync();
    expect(subscriptions.complete).toBe(false);
    broker.onSubscribe = () => {};
    await subscriptions.reconnected(true);
    expect(subscriptions.complete).toBe(true);
  });
});
