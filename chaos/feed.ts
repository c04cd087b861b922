import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '../test/fixtures/random.ts';
import type { Behaviour, Ledger, Send, Sent } from './ledger.ts';
import type { Source } from './sources/source.ts';

/** Share of the events that are sent once only, whatever comes back: for them either fate is right. */
const ONCE_SHARE = 0.05;
/** Before an event is sent again, ms. */
const AGAIN_MS = 250;
/** How long a producer goes on after the last event was due, ms. */
const PATIENCE_MS = 90_000;

export interface FeedOptions {
  readonly events: number;
  readonly seconds: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Feeds numbered events through one source. Resolves when every producer has done or given up. */
export async function feed(source: Source, options: FeedOptions, ledger: Ledger): Promise<void> {
  const begun = Date.now();
  const spacing = (options.seconds * 1_000) / options.events;
  const deadline = begun + options.seconds * 1_000 + PATIENCE_MS;
  const all = numbered(source, options);
  for (const sent of all) ledger.set(sent.id, sent);
  const lane = async (number: number) => {
    for (let index = number; index < all.length; index += source.lanes) {
      await delay(Math.max(0, begun + index * spacing - Date.now()), undefined, { signal: options.signal });
      await deliver(source, all[index] as Sent, number, deadline, options.signal);
    }
  };
  const lanes = Array.from({ length: source.lanes }, (_, number) => lane(number));
  await Promise.all(lanes).catch((error) => {
    if (!options.signal.aborted) throw error;
  });
}

/** The events of a source; what each is to do is the same for the same seed. */
function numbered(source: Source, { events, seed }: FeedOptions): Sent[] {
  const random = randomFrom(seed + hash(source.name));
  return Array.from({ length: events }, (_, index) => ({
    id: `${source.name}-${index + 1}`,
    source: source.name,
    behaviour: behaviourOf(random() * 1_000, source.mix),
    once: random() < ONCE_SHARE,
    ...(source.ordered ? { lane: index % source.lanes } : {}),
    sends: [],
  }));
}

function behaviourOf(point: number, mix: Source['mix']): Behaviour {
  let bound = 0;
  for (const [behaviour, share] of Object.entries(mix)) {
    bound += share;
    if (point < bound) return behaviour as Behaviour;
  }
  return 'ok';
}

const hash = (text: string): number => [...text].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);

/** Sends an event until it is acknowledged, or once. */
async function deliver(
  source: Source,
  sent: Sent,
  lane: number,
  deadline: number,
  signal: AbortSignal,
): Promise<void> {
  do {
    if (await sendOnce(source, sent, lane)) return;
    await delay(AGAIN_MS * (0.5 + Math.random()), undefined, { signal });
  } while (!sent.once && Date.now() < deadline);
}

async function sendOnce(source: Source, sent: Sent, lane: number): Promise<boolean> {
  const send: Send = { at: Date.now() };
  sent.sends.push(send);
  try {
    const { id, behaviour } = sent;
    sent.refused = (await source.send({ id, behaviour }, lane)) === 'refused';
    sent.acked = Date.now();
    return true;
  } catch (error) {
    send.fault = error instanceof Error ? error.message || error.name : String(error);
    return false;
  } finally {
    send.ended = Date.now();
  }
}

/** How far the producers are. */
export function progressOf(ledger: Ledger): {
  begun: number;
  acked: number;
  inFlight: Record<string, number>;
} {
  const inFlight: Record<string, number> = {};
  let [begun, acked] = [0, 0];
  for (const { sends, acked: when, source } of ledger.values()) {
    const last = sends.at(-1);
    if (last) begun++;
    if (when !== undefined) acked++;
    if (last && last.ended === undefined) inFlight[source] = (inFlight[source] ?? 0) + 1;
  }
  return { begun, acked, inFlight };
}
