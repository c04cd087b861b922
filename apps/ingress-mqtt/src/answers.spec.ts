import { describe, expect, it } from '@jest/globals';
import type { IClientPublishOptions } from 'mqtt';
import { Registry } from 'prom-client';
import type { ControlPath } from '#contracts';
import { Answers } from './answers.js';
import type { Incoming } from './incoming.js';
import { MqttMetrics } from './mqtt-metrics.js';
import { ReplyTokens } from './reply-tokens.js';

const path = 'users/find' as ControlPath;
const result = { id: 'id', outcome: 'ok', status: 200 } as const;

const message = (properties?: Incoming['properties'], qos: 0 | 1 = 1): Incoming => ({
  topic: 'users/find',
  payload: Buffer.of(),
  qos,
  retain: false,
  dup: false,
  ...(properties ? { properties } : {}),
});

function answersOf(pattern?: string) {
  const published: { topic: string; options: IClientPublishOptions; done: () => void }[] = [];
  const complaints: string[] = [];
  const tokens = new ReplyTokens('secret');
  const answers = new Answers({
    pattern,
    tokens,
    intake: { subjectOf: (token) => (token.length < 200 ? `results.${token}` : undefined) },
    isSubscribed: (topic) => topic === 'users/find',
    publish: (topic, _, options) => new Promise((done) => published.push({ topic, options, done })),
    metrics: new MqttMetrics(new Registry()),
    complaints: { warn: (kind: string) => void complaints.push(kind) } as never,
  });
  return { answers, published, complaints, tokens };
}

describe('where an answer goes', () => {
  it('is what the message says, before what is set up', () => {
    const { answers } = answersOf('{topic}/reply');
    expect(answers.addressOf(message({ responseTopic: 'reply/1' }), path)).toEqual({
      topic: 'reply/1',
      qos: 1,
    });
    expect(answers.addressOf(message(undefined, 0), path)).toEqual({ topic: 'users/find/reply', qos: 0 });
  });

  it('is nowhere where nobody says it', () => {
    expect(answersOf().answers.addressOf(message(), path)).toBeUndefined();
  });

  it('is made of the topic as it is, also one that looks like a part of the pattern', () => {
    const { answers } = answersOf('{path}/of/{topic}');
    const address = answers.addressOf({ ...message(), topic: '{path}/x' }, path);
    expect(address?.topic).toBe('users/find/of/{path}/x');
  });

  it.each(['users/find', '$SYS/x', 'a/+', '#', 'a\u0000'])(
    'is not %j, and that is told of',
    (responseTopic) => {
      const { answers, complaints } = answersOf();
      expect(answers.addressOf(message({ responseTopic }), path)).toBeUndefined();
      expect(complaints).toHaveLength(1);
    },
  );

  it('is not where no subject could say it', () => {
    const { answers, complaints } = answersOf();
    expect(answers.subjectOf({ topic: 'x'.repeat(300), qos: 1 })).toBeUndefined();
    expect(complaints).toEqual(['answer: too long']);
  });
});

describe('a result', () => {
  it('goes where its subject says, with what the request said to know it by', async () => {
    const { answers, published, tokens } = answersOf();
    const token = tokens.seal({ topic: 'reply/1', qos: 1, correlation: Buffer.from('c') });
    void answers.take({ token, result: { ...result, outcome: 'failed', status: 400 }, body: Buffer.of() });
    await new Promise(setImmediate);
    expect(published).toMatchObject([
      {
        topic: 'reply/1',
        options: {
          qos: 1,
          properties: {
            correlationData: Buffer.from('c'),
            userProperties: { 'mesh-status': '400', 'mesh-id': 'id', 'mesh-error': 'failed' },
          },
        },
      },
    ]);
  });

  it('goes nowhere when nobody sealed where, or it would be an event by now', async () => {
    const { answers, published, tokens } = answersOf();
    await answers.take({ token: 'made-up', result, body: Buffer.of() });
    await answers.take({ token: tokens.seal({ topic: 'users/find', qos: 1 }), result, body: Buffer.of() });
    expect(published).toEqual([]);
  });

  it('waits its turn: the broker takes so many unacknowledged ones and no more', async () => {
    const { answers, published } = answersOf();
    const sent = Array.from({ length: 50 }, (_, index) =>
      answers.send({ topic: `reply/${index}`, qos: 1 }, { result, body: Buffer.of() }),
    );
    await new Promise(setImmediate);
    expect(published).toHaveLength(20);
    for (let done = 0; done < 50; done++) {
      expect(published.length - done).toBeLessThanOrEqual(20);
      published[done]?.done();
      await new Promise(setImmediate);
    }
    await Promise.all(sent);
    expect(published.map(({ topic }) => topic)).toEqual(sent.map((_, index) => `reply/${index}`));
  });
});
