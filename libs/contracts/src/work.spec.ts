import { describe, expect, it } from '@jest/globals';
import { decodeDetails, decodeHeaders, encodeHeaders } from './codec.js';
import type { ControlPath } from './control-path.js';
import {
  decodeDeadLetter,
  decodeWork,
  encodeDeadLetter,
  encodeReplay,
  encodeWork,
  type WorkEnvelope,
  withoutDefaults,
} from './work.js';

const ID = '0190d0c0-0000-7000-8000-00000000002a';
const PATH = 'users/find' as ControlPath;
const AT = Date.parse('2030-01-31T12:00:00Z');
const work: WorkEnvelope = { id: ID, acceptedAt: AT, meta: { source: 'mqtt', attributes: { qos: 1 } } };
const mint = () => {
  throw new Error('it has an id');
};
const headersOf = (block: Uint8Array) => decodeHeaders(block);

describe('work', () => {
  it('is a complete CloudEvent', () => {
    expect(headersOf(encodeWork(PATH, { ...work, contentType: 'text/plain; charset=utf-8' }))).toMatchObject({
      'ce-specversion': '1.0',
      'ce-id': ID,
      'ce-source': 'urn:lambda-mesh:mqtt',
      'ce-type': 'mesh.event',
      'ce-subject': 'users/find',
      'ce-time': '2030-01-31T12:00:00.000Z',
      'ce-datacontenttype': 'text/plain;%20charset=utf-8',
      'nats-msg-id': ID,
    });
  });

  it('keeps what its caller stated', () => {
    const cloudEvent = {
      id: 'ü 1',
      source: '/device',
      type: 'door',
      subject: 'a b',
      time: '2020-01-01T00:00:00Z',
    };
    const headers = headersOf(encodeWork(PATH, { ...work, cloudEvent }));
    expect(decodeDetails(withoutDefaults(headers)).cloudEvent).toEqual(cloudEvent);
    expect(headers['mesh-id']).toBe(ID);
  });

  it('shows a handler nothing that stands there by default, but when it was accepted', () => {
    const headers = withoutDefaults(headersOf(encodeWork(PATH, work)));
    expect(decodeDetails(headers)).toEqual({
      meta: work.meta,
      cloudEvent: { time: '2030-01-31T12:00:00.000Z' },
    });
  });

  it('says what becomes of its result', () => {
    const ending = { expires: AT, reply: '_INBOX.a.b', keep: true, callback: 'https://example.org/?a=b c' };
    expect(decodeWork(headersOf(encodeWork(PATH, { ...work, ...ending, version: '1.2.0' })), mint)).toEqual({
      id: ID,
      version: '1.2.0',
      replay: 0,
      ...ending,
    });
  });

  it('of a plain publisher gets an id, and keeps no result', () => {
    expect(decodeWork({}, () => ID)).toEqual({ id: ID, keep: false, replay: 0 });
  });

  it.each([
    ['mesh-expires', 'tomorrow'],
    ['mesh-replay', '-1'],
    ['mesh-replay', 'one'],
    ['mesh-id', 'UPPER'],
  ])('with %s: %s is malformed', (name, value) => {
    expect(() => decodeWork({ [name]: value }, () => ID)).toThrow(
      expect.objectContaining({ code: 'bad-event', detail: expect.stringContaining(name) }),
    );
  });
});

describe('a dead letter', () => {
  const event = headersOf(encodeWork(PATH, work));
  const facts = {
    reason: 'handler-error',
    error: 'no "such" user: ü',
    attempts: 5,
    at: AT,
    version: '1.2.0',
  } as const;

  it('has the event untouched, and why it is here', () => {
    const dead = headersOf(encodeDeadLetter(event, { id: ID, replay: 0 }, facts));
    expect(decodeDeadLetter(dead)).toEqual(facts);
    const { 'nats-msg-id': _, ...own } = event;
    expect(dead).toMatchObject(own);
    expect(dead['nats-msg-id']).toBe(`${ID}#dead`);
  });

  it('goes back to work as itself, and says that it is a replay', () => {
    const replayed = headersOf(
      encodeReplay(headersOf(encodeDeadLetter(event, { id: ID, replay: 0 }, facts))),
    );
    expect(replayed).toEqual({ ...event, 'mesh-replay': '1', 'nats-msg-id': `${ID}#r1` });
    const again = headersOf(encodeDeadLetter(replayed, { id: ID, replay: 1 }, facts));
    expect(again['nats-msg-id']).toBe(`${ID}#r1#dead`);
    expect(headersOf(encodeReplay(again))['mesh-replay']).toBe('2');
  });

  it('drops what a publisher wrote for the NATS server', () => {
    const dead = headersOf(
      encodeDeadLetter(
        headersOf(encodeHeaders({ 'Nats-Schedule': '@every 1s', 'mesh-dead-reason': 'forged' })),
        { id: ID, replay: 0 },
        facts,
      ),
    );
    expect(dead['nats-schedule']).toBeUndefined();
    expect(dead['mesh-dead-reason']).toBe('handler-error');
  });

  it('is told from what is none', () => {
    expect(() => decodeDeadLetter(event)).toThrow(expect.objectContaining({ code: 'bad-event' }));
  });
});
