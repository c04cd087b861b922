import type { Message } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import type { Delivery } from './delivery.js';
import { Dispatch } from './dispatch.js';
import type { InHand } from './in-hand.js';
import { GONE, type Settling } from './settling.js';
import type { QueueFacts, SqsQueue } from './sqs-queue.js';
import type { Verdict, Verdicts } from './verdict.js';

/* SQS gives several messages of a FIFO group at once; the emulator of the scenarios gives one. */

const DELETE: Verdict = { settlement: 'delete', outcome: 'ok' };
const RELEASE: Verdict = { settlement: 'release', outcome: 'handler-error' };
const binding = { url: 'u', name: 'orders', handler: { path: 'users/find' as ControlPath } };
const facts: QueueFacts = { url: 'u', arn: 'a', isFifo: true, visibility: 600, maxReceives: 3 };

/** A dispatch whose calls are answered by hand, and which writes down what became of each message. */
class World {
  readonly begun: string[] = [];
  readonly ended: string[] = [];
  readonly #calls = new Map<string, (verdicts: Verdicts) => void>();
  readonly dispatch: Dispatch;
  readonly items: InHand[] = [];

  /** @param undeletable messages whose delete fails for good */
  constructor(batchSize = 1, undeletable: readonly string[] = []) {
    const leave = async (item: InHand, how: string) => {
      await item.letGo();
      this.ended.push(`${item.id} ${how}`);
    };
    this.dispatch = new Dispatch({
      queue: {} as SqsQueue,
      delivery: {
        fits: (batch: readonly InHand[]) => batch.length < batchSize,
        deliver: (batch: readonly InHand[]) => this.#deliver(batch),
      } as unknown as Delivery,
      settling: {
        isDone: () => false,
        settle: async (item: InHand, verdict: Verdict) => {
          const isGone = verdict.settlement === 'delete' && !undeletable.includes(item.id);
          await leave(item, isGone ? 'deleted' : 'released');
          return isGone ? GONE : 7;
        },
        giveBack: (item: InHand, _: unknown, seconds?: number) =>
          leave(item, seconds === undefined ? 'given back' : `given back for ${seconds} s`),
      } as unknown as Settling,
      onHeartbeatFault: () => undefined,
      onRoom: () => undefined,
    });
  }

  #deliver(batch: readonly InHand[]): Promise<Verdicts> {
    const name = batch.map(({ id }) => id).join(' ');
    this.begun.push(name);
    this.items.push(...batch);
    return new Promise((resolve) => this.#calls.set(name, resolve));
  }

  /** `a1 a2 b1`: the letter is the group. */
  receive(names: string): void {
    const messages: Message[] = names.split(' ').map((name) => ({
      MessageId: name,
      ReceiptHandle: name,
      Body: name,
      Attributes: { MessageGroupId: name[0] as string, ApproximateReceiveCount: '1' },
    }));
    this.dispatch.take(messages, binding, facts);
  }

  /** The call of this batch ends; the messages that are named fail. */
  async end(batch: string, failed = ''): Promise<void> {
    const bad = failed.split(' ');
    const items = this.items.filter(({ id }) => batch.split(' ').includes(id));
    const verdicts = items.map((item) => [item, bad.includes(item.id) ? RELEASE : DELETE] as const);
    this.#calls.get(batch)?.(new Map(verdicts));
    await new Promise(setImmediate);
  }
}

const worlds: World[] = [];
function worldOf(...parts: ConstructorParameters<typeof World>): World {
  const made = new World(...parts);
  worlds.push(made);
  return made;
}
afterEach(() => {
  for (const { items, dispatch } of worlds.splice(0)) {
    for (const item of items) void item.letGo();
    void dispatch.stop();
  }
});

describe('several messages of a FIFO group in hand', () => {
  it('run one after the other, the next when the one before is deleted; other groups beside them', async () => {
    const world = worldOf();
    world.receive('a1 a2 a3 b1');
    expect(world.begun).toEqual(['a1', 'b1']);
    await world.end('a1');
    expect(world.begun).toEqual(['a1', 'b1', 'a2']);
    expect(world.dispatch.inHand).toBe(3);
    await world.end('b1');
    await world.end('a2');
    await world.end('a3');
    expect(world.ended).toEqual(['a1 deleted', 'b1 deleted', 'a2 deleted', 'a3 deleted']);
    expect(world.dispatch.inHand).toBe(0);
  });

  it('go back behind the one that failed, and none of them runs ahead', async () => {
    const world = worldOf();
    world.receive('a1 a2 a3 b1 b2');
    await world.end('a1', 'a1');
    await world.end('b1');
    expect(world.begun).toEqual(['a1', 'b1', 'b2']);
    expect(world.ended).toEqual([
      'a1 released',
      'a2 given back for 7 s',
      'a3 given back for 7 s',
      'b1 deleted',
    ]);
    world.receive('a1 a2');
    expect(world.begun.at(-1)).toBe('a1');
  });

  it('go back too when one that was handled cannot be deleted: it comes again before them', async () => {
    const world = worldOf(1, ['a1']);
    world.receive('a1 a2');
    await world.end('a1');
    expect(world.begun).toEqual(['a1']);
    expect(world.ended).toEqual(['a1 released', 'a2 given back for 7 s']);
  });

  it('in one batch: those before the first that failed are deleted, those after it go back, other groups as they did', async () => {
    const world = worldOf(10);
    world.receive('a1 b1 a2 a3 b2 c1');
    expect(world.begun).toEqual(['a1 a2 a3 b1 b2 c1']);
    world.receive('a4 c2');
    expect(world.begun).toHaveLength(1);
    await world.end('a1 a2 a3 b1 b2 c1', 'a2 b1');
    expect([...world.ended].sort()).toEqual([
      'a1 deleted',
      'a2 released',
      'a3 given back for 7 s',
      'a4 given back for 7 s',
      'b1 released',
      'b2 given back for 7 s',
      'c1 deleted',
    ]);
    expect(world.begun.at(-1)).toBe('c2');
  });

  it('at a stop: what runs ends, what waits goes back', async () => {
    const world = worldOf();
    world.receive('a1 a2 b1');
    let isStopped = false;
    const stopped = world.dispatch.stop().then(() => {
      isStopped = true;
    });
    world.receive('c1');
    await world.end('b1');
    expect(isStopped).toBe(false);
    await world.end('a1');
    await stopped;
    expect([...world.ended].sort()).toEqual(['a1 deleted', 'a2 given back', 'b1 deleted', 'c1 given back']);
    expect(world.begun).toEqual(['a1', 'b1']);
  });
});
