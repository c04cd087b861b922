import { describe, expect, it } from '@jest/globals';
import { Session } from './session.js';

describe('a session', () => {
  it('takes a packet id once until it is acknowledged', () => {
    const sent: number[] = [];
    const session = new Session((id) => sent.push(id));
    expect([session.begin(1), session.begin(1), session.begin(2)]).toEqual([true, false, true]);
    session.acknowledge(1);
    session.acknowledge(1);
    expect(sent).toEqual([1]);
    expect(session.begin(1)).toBe(true);
  });

  it('acknowledges nothing after its end: the id may be of another message', async () => {
    const sent: number[] = [];
    const session = new Session((id) => sent.push(id));
    session.begin(1);
    session.end();
    session.acknowledge(1);
    expect(sent).toEqual([]);
    expect(session.givenUp.aborted).toBe(true);
    await session.ended;
  });

  it('that is given up still acknowledges what ran', () => {
    const sent: number[] = [];
    const session = new Session((id) => sent.push(id));
    session.begin(1);
    session.giveUp();
    session.acknowledge(1);
    expect(sent).toEqual([1]);
  });
});
