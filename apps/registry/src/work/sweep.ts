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
import { coversAny } from './filters.js';
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
  const passed = passedBy(sweeping.consumers, waiting);
  const live = await sweeping.live([...waiting.keys()].map(pathOfSubject).filter(isControlPath));
  let [dead, again] = [0, 0];
  for (const subject of waiting.keys()) {
    const room = IN_ONE_GO - dead - again;
    if (room <= 0) break;
    const path = pathOfSubject(subject);
    if (!live.has(path)) dead += await bury(sweeping, subject, room);
    else if (passed.has(ownerOf(sweeping.consumers, subject)?.name ?? ''))
      again += await handInAnew(sweeping, subject, room);
  }
  return { dead, again };
}

const ownerOf = (consumers: readonly WorkConsumerState[], subject: string): WorkConsumerState | undefined =>
  consumers.find(({ filters }) => coversAny(filters, subject));

/** Consumers that know of fewer messages than wait for them. */
function passedBy(
  consumers: readonly WorkConsumerState[],
  waiting: ReadonlyMap<string, number>,
): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const [subject, count] of waiting) {
    const name = ownerOf(consumers, subject)?.name;
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const passed = consumers.filter(
    ({ name, inHand, waiting: known }) => (counts.get(name) ?? 0) > inHand + known,
  );
  return new Set(passed.map(({ name }) => name));
}

function bury(sweeping: Sweeping, subject: string, atMost: number): Promise<number> {
  const isFree = (message: StockMessage) => !inHand(sweeping, message, []);
  const { stock, writer, results } = sweeping;
  return move(sweeping, standing(stock, subject, isFree, atMost), async (message) => {
    await writer.write(deadSubjectOf(subject), deadHeaders(message), message.body);
    await tellEnd(message, results, writer);
  });
}

function handInAnew(sweeping: Sweeping, subject: string, atMost: number): Promise<number> {
  const owner = ownerOf(sweeping.consumers, subject);
  // What it never had it cannot have in hand.
  const gained = sweeping.gains.filter(
    ({ consumer, before }) => consumer === owner?.name && !coversAny(before, subject),
  );
  const isFree = (message: StockMessage) => !inHand(sweeping, message, gained);
  const passed = standing(sweeping.stock, subject, isFree, atMost, owner?.delivered ?? 0);
  return move(sweeping, passed, (message) =>
    sweeping.writer.write(subject, againHeaders(message), message.body),
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

function inHand({ consumers }: Sweeping, { seq }: StockMessage, except: readonly Gain[]): boolean {
  return consumers.some(
    ({ name, inHand, ackFloor, delivered }) =>
      inHand > 0 && ackFloor < seq && seq <= delivered && !except.some(({ consumer }) => consumer === name),
  );
}

/** Those that are free, in order, up to a place. */
async function* standing(
  stock: StreamStock,
  subject: string,
  isFree: (message: StockMessage) => boolean,
  atMost: number,
  upTo = Number.POSITIVE_INFINITY,
): AsyncGenerator<StockMessage> {
  let left = atMost;
  let message = await stock.next(subject, 1);
  while (message && message.seq <= upTo && left > 0) {
    if (isFree(message)) {
      left--;
      yield message;
    }
    message = await stock.next(subject, message.seq + 1);
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
