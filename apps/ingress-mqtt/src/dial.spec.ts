import { describe, expect, it } from '@jest/globals';
import type { IConnackPacket } from 'mqtt';
import { hasShares, VersionChoice } from './dial.js';

describe('the version of MQTT', () => {
  it('that is set up is kept, whatever the broker says', () => {
    const choice = new VersionChoice('5');
    expect([choice.refused(1), choice.refused(132), choice.version]).toEqual([false, false, 5]);
    expect(new VersionChoice('3.1.1').version).toBe(4);
  });

  it.each([1, 132])('is the other one when the broker refuses it with %i', (code) => {
    const choice = new VersionChoice('auto');
    expect(choice.version).toBe(5);
    expect(choice.refused(code)).toBe(true);
    expect(choice.version).toBe(4);
    // And back, but not at once again: a broker that knows neither is not to be asked without a pause.
    expect(choice.refused(code)).toBe(false);
    expect(choice.version).toBe(5);
  });

  it('stays when the broker refuses something else', () => {
    const choice = new VersionChoice('auto');
    for (const code of [4, 5, 134, 135]) expect(choice.refused(code)).toBe(false);
    expect(choice.version).toBe(5);
  });

  it('is the other one for a broker that hangs up three times without a word', () => {
    const choice = new VersionChoice('auto');
    expect([1, 2, 3].map(() => choice.refused(undefined))).toEqual([false, false, true]);
    expect(choice.version).toBe(4);
  });

  it('stays when a broker that knew it hangs up, as one does that is killed', () => {
    const choice = new VersionChoice('auto');
    choice.accepted();
    for (let time = 0; time < 10; time++) choice.refused(undefined);
    expect(choice.version).toBe(5);
    // After an upgrade or its opposite it says so.
    expect(choice.refused(132)).toBe(true);
  });
});

describe('shared subscriptions', () => {
  const connack = (properties?: IConnackPacket['properties']) =>
    ({ cmd: 'connack', properties }) as IConnackPacket;

  it('are there where MQTT 5 does not say that they are not', () => {
    expect(hasShares(connack(), 5, false)).toBe(true);
    expect(hasShares(connack({ sharedSubscriptionAvailable: false }), 5, true)).toBe(false);
  });

  it('are believed of 3.1.1 where it was asked for', () => {
    expect([true, false].map((isBelieved) => hasShares(connack(), 4, isBelieved))).toEqual([true, false]);
  });
});
