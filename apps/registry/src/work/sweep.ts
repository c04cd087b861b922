import {
  type ControlPath,
  deadSubject,
  encodeDeadLetter,
  encodeHeaders,
  isControlPath,
  MeshError,
  pathOfSubject,
  placeId,
  workMessageId,
} from '#contracts';
import type { Keep, StockMessage, StreamStock, StreamWriter, WorkConsumerState } from '#fabric';
import type { Gain } from './apply-plan.js';
import { FilterSet } from './filters.js';
import type { LookedPast } from './looked-past.js';
import { tellEnd } from './tell-end.js';

/** So many messages are put right in one go, and so many of them at once: the others wait for the next. */
const IN_ONE_GO = 2_000;
const AT_ONCE = 32;
const ALL_WORK = 'mesh.work.>';

export interface Sweeping {
  readonly stock: StreamStock;
  readonly writer: StreamWriter;
  /** State and results of asynchronous calls. */
  readonly results: Keep;
  readonly consumers: readonly WorkConsumerState[];
  /** Those of these paths that have a live route. */
  live(paths: readonly ControlPath[]): Promise<ReadonlySet<ControlPath>>;
  /** What consumers gained just now. */
  readonly gains: readonly Gain[];
  readonly lookedPast: LookedPast;
  /** Place at the end of the stream before all that. */
  readonly last: number;
}

export interface Swept {
  /** Put into the dead letters: nobody will ever run them. */
  readonly dead: number;
  /** Handed in anew: their consumer was past them. */
  readonly again: number;
}

/**
 * Work that waits and that nobody will ever take:
 *
 * 1. of a path without a live route, or of a subject that is no path: it becomes a dead letter `no-route`;
 * 2. of a subject that its consumer gained when it was already past it: it is handed in anew, behind all else.
 *
 * Neither touches what may be in somebody's hands: delivered by some consumer, behind the place up to which that one has
 * nothing in hand any more. Copied first and removed after, under an id by which the copy is kept once: stopped in
 * between, or done by two registries, nothing is lost and nothing doubled.
 */
export async function sweep(sweeping: Sweeping): Promise<Swept> {
  const waiting = await sweeping.stock.subjects(ALL_WORK);
  const live = await sweeping.live([...waiting.keys()].map(pathOfSubject).filter(isControlPath));
  let dead = 0;
  for (const subject of waiting.keys())
    if (!live.has(pathOfSubject(subject)) && dead < IN_ONE_GO)
      dead += await bury(sweeping, subject, IN_ONE_GO - dead);
  let again = 0;
  for (const passed of passedBy(sweeping, waiting))
    if (again < IN_ONE_GO) again += await handInAnew(sweeping, passed, IN_ONE_GO - again);
  return { dead, again };
}

/** Where messages may stand that their consumer is past. */
interface Passed {
  readonly filter: string;
  /** Place up to which the consumer cannot have one of them in hand any more. */
  readonly upTo: number;
  /** In whose hands they may be. */
  readonly holders: readonly WorkConsumerState[];
}

type OwnerOf = (subject: string) => WorkConsumerState | undefined;

function ownersAmong(consumers: readonly WorkConsumerState[]): OwnerOf {
  const sets = consumers.map((consumer) => ({ consumer, filters: new FilterSet(consumer.filters) }));
  return (subject) => sets.find(({ filters }) => filters.covers(subject))?.consumer;
}

function* passedBy(
  { consumers, gains, lookedPast, last }: Sweeping,
  waiting: ReadonlyMap<string, number>,
): Generator<Passed> {
  const ownerOf = ownersAmong(consumers);
  const gained = new Map(gains.map((gain) => [gain.consumer, { ...gain, had: new FilterSet(gain.before) }]));
  const counts = new Map<WorkConsumerState, number>();
  for (const [subject, count] of waiting) {
    const owner = ownerOf(subject);
    if (!owner) continue;
    counts.set(owner, (counts.get(owner) ?? 0) + count);
    const gain = gained.get(owner.name);
    // What it was past when it got the subject it cannot have in hand; and it was past all where it found nothing.
    if (gain && !gain.had.covers(subject))
      yield {
        filter: subject,
        upTo: owner.inHand + owner.waiting === 0 ? last : gain.past,
        holders: consumers.filter((one) => one !== owner),
      };
  }
  // Those that know of fewer messages than wait for them. While much comes and goes that says little, so a look is cheap:
  // below its ack floor a consumer has nothing but what it passed.
  for (const [owner, count] of counts) {
    const idleUpTo = lookedPast.upTo(owner, last);
    if (count <= owner.inHand + owner.waiting) continue;
    const upTo = Math.max(idleUpTo, owner.inHand > 0 ? owner.ackFloor : owner.delivered);
    for (const filter of owner.filters) yield { filter, upTo, holders: consumers };
  }
}

function bury(sweeping: Sweeping, subject: string, atMost: number): Promise<number> {
  const { stock, writer, results, consumers } = sweeping;
  const all = { filter: subject, upTo: Number.POSITIVE_INFINITY, holders: consumers };
  return move(sweeping, standing(stock, all, atMost), async (message) => {
    await writer.write(deadSubjectOf(subject), deadHeaders(message), message.body);
    await tellEnd(message, results, writer);
  });
}

function handInAnew(sweeping: Sweeping, passed: Passed, atMost: number): Promise<number> {
  return move(sweeping, standing(sweeping.stock, passed, atMost), (message) =>
    sweeping.writer.write(message.subject, againHeaders(message), message.body),
  );
}

/** Copies, then removes. In order, as far as what is under way at once has one. */
async function move(
  { stock }: Sweeping,
  messages: AsyncIterable<StockMessage>,
  copy: (message: StockMessage) => Promise<unknown>,
): Promise<number> {
  let count = 0;
  let batch: StockMessage[] = [];
  const flush = async () => {
    await Promise.all(batch.map(copy));
    const removed = await Promise.all(batch.map(({ seq }) => stock.remove(seq)));
    count += removed.filter((wasThere) => wasThere).length;
    batch = [];
  };
  for await (const message of messages) if (batch.push(message) === AT_ONCE) await flush();
  await flush();
  return count;
}

/** Those that are in nobody's hands, in order. */
async function* standing(
  stock: StreamStock,
  { filter, upTo, holders }: Passed,
  atMost: number,
): AsyncGenerator<StockMessage> {
  let left = atMost;
  let message = await stock.next(filter, 1);
  while (message && message.seq <= upTo && left > 0) {
    const { seq } = message;
    const holder = holders.find((one) => one.inHand > 0 && one.ackFloor < seq && seq <= one.delivered);
    if (!holder) {
      left--;
      yield message;
    }
    message = await stock.next(filter, (holder?.delivered ?? seq) + 1);
  }
}

/** A subject that is no path has a dead letter under its own name: whatever was sent can be looked at. */
const deadSubjectOf = (subject: string): string => deadSubject(pathOfSubject(subject));

function deadHeaders({ headers, seq, storedAt }: StockMessage): Uint8Array {
  const id = headers['mesh-id'] ?? placeId(seq, storedAt);
  const replay = Number(headers['mesh-replay'] ?? 0) || 0;
  const { code: reason, message: error } = new MeshError('no-route');
  return encodeDeadLetter(headers, { id, replay }, { reason, error, attempts: 0, at: Date.now() });
}

/** The event's own headers, its id, and an id of the message by which it is handed in anew once. */
function againHeaders({ headers, seq, storedAt }: StockMessage): Uint8Array {
  const id = headers['mesh-id'] ?? placeId(seq, storedAt);
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('nats-'));
  const message = headers['nats-msg-id']?.replace(/#m\d+$/, '') ?? workMessageId(id);
  return encodeHeaders({
    ...Object.fromEntries(own),
    'mesh-id': id,
    'Nats-Msg-Id': `${message}#m${seq}`,
  });
}
