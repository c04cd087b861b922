import { describe, expect, it } from '@jest/globals';
import type { ControlPath } from '#contracts';
import type { Incoming } from './incoming.js';
import { meshIdOf, Session, type Taken, type Unfinished } from './session.js';

const message = (messageId: number, more: Partial<Incoming> = {}): Incoming => ({
  topic: 'a',
  payload: Buffer.from('x'),
  qos: 1,
  retain: false,
  dup: false,
  messageId,
  ...more,
});

function sessionOf(unfinished?: Unfinished) {
  const sent: string[] = [];
  const send = (kind: string, id: number) => void sent.push(`${kind} ${id}`);
  return { sent, session: new Session({ send, isBounded: false, isOurs: () => true }, unfinished) };
}

const path = 'a' as ControlPath;

describe('a session', () => {
  it('takes a packet id once until it is acknowledged', () => {
    const { sent, session } = sessionOf();
    const first = session.begin(message(1)) as Taken;
    expect(session.begin(message(1, { dup: true }))).toBeUndefined();
    expect(session.begin(message(2))).toBeDefined();
    session.acknowledge(first);
    session.acknowledge(first);
    expect(sent).toEqual(['puback 1']);
    expect(session.begin(message(1))).toBeDefined();
  });

  it('takes a message of QoS 2 once from its PUBLISH to its PUBREL', () => {
    const { sent, session } = sessionOf();
    session.acknowledge(session.begin(message(7, { qos: 2 })) as Taken);
    expect(session.begin(message(7, { qos: 2, dup: true }))).toBeUndefined();
    expect(sent).toEqual(['pubrec 7', 'pubrec 7']);
    session.released(7);
    expect(session.begin(message(7, { qos: 2 }))).toBeDefined();
  });

  it('acknowledges nothing after its end: the id may be of another message', async () => {
    const { sent, session } = sessionOf();
    const taken = session.begin(message(1)) as Taken;
    session.end();
    session.acknowledge(taken);
    expect(sent).toEqual([]);
    expect(session.givenUp.aborted).toBe(true);
    await session.ended;
  });

  it('takes nothing after its end: it comes again on the next connection, and only once so', () => {
    const { session } = sessionOf();
    session.end();
    for (const qos of [1, 2] as const) expect(session.begin(message(1, { qos }))).toBeUndefined();
    expect(session.unfinished.taken.size).toBe(0);
  });

  it('that is given up still acknowledges what ran', () => {
    const { sent, session } = sessionOf();
    const taken = session.begin(message(1)) as Taken;
    session.giveUp();
    session.acknowledge(taken);
    expect(sent).toEqual(['puback 1']);
  });
});

describe('the next connection of a session', () => {
  /** Ids of a message that was in hand when the connection broke, and of one that comes on the next. */
  function idsOver(again: Incoming): [string, string] {
    const { session } = sessionOf();
    const before = meshIdOf(session.begin(message(1)) as Taken, path);
    session.end();
    const next = sessionOf(session.unfinished).session;
    return [before, meshIdOf(next.begin(again) as Taken, path)];
  }

  it('gives a message that comes again the id that it had', () => {
    const [before, after] = idsOver(message(1, { dup: true }));
    expect(after).toBe(before);
  });

  it.each([
    ['is not said to come again', message(1)],
    ['has another packet id', message(2, { dup: true })],
    ['has another topic', message(1, { dup: true, topic: 'b' })],
    ['has another payload', message(1, { dup: true, payload: Buffer.from('y') })],
  ])('gives one that %s an id of its own', (_, again) => {
    const [before, after] = idsOver(again);
    expect(after).not.toBe(before);
  });

  it('knows it also when a connection in between did not bring it', () => {
    const { session } = sessionOf();
    const before = meshIdOf(session.begin(message(1)) as Taken, path);
    session.end();
    const between = sessionOf(session.unfinished).session;
    between.end();
    const again = sessionOf(between.unfinished).session.begin(message(1, { dup: true })) as Taken;
    expect(meshIdOf(again, path)).toBe(before);
  });

  it('gives what was acknowledged an id of its own: the packet id may be of another message', () => {
    const { session } = sessionOf();
    const taken = session.begin(message(1)) as Taken;
    const before = meshIdOf(taken, path);
    session.acknowledge(taken);
    session.end();
    const again = sessionOf(session.unfinished).session.begin(message(1, { dup: true })) as Taken;
    expect(meshIdOf(again, path)).not.toBe(before);
  });

  it('knows what was received of QoS 2 and not released', () => {
    const { session } = sessionOf();
    session.acknowledge(session.begin(message(3, { qos: 2 })) as Taken);
    session.end();
    const { sent, session: next } = sessionOf(session.unfinished);
    expect(next.begin(message(3, { qos: 2, dup: true }))).toBeUndefined();
    expect(sent).toEqual(['pubrec 3']);
  });
});
