import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll, until } from './fixtures/later.js';
import { deadLetterQueue, ingress, Producer, receivesOf, world } from './fixtures/sqs.js';

afterEach(closeAll);

/** `g3-07`: group and number. */
const nameOf = (group: number, number: number) => `g${group}-${String(number).padStart(2, '0')}`;
const GROUPS = Array.from({ length: 10 }, (_, group) => group);

async function fill(producer: Producer, each: number): Promise<void> {
  for (let number = 0; number < each; number++)
    await Promise.all(GROUPS.map((group) => producer.send(nameOf(group, number), {}, `group ${group}`)));
}

describe('ten groups of a FIFO queue', () => {
  it('stay in order while one of them fails: its message is delivered as often as its queue says', async () => {
    const { nats, aws, responder } = await world();
    const { dead, RedrivePolicy } = await deadLetterQueue(aws, 3, 'dead.fifo');
    const url = await aws.createQueue('orders.fifo', { RedrivePolicy });
    const producer = new Producer(aws, url);
    await responder.serve('users/find', ({ body }) => ({
      outcome: body === nameOf(4, 2) ? 'handler-error' : 'ok',
    }));
    await fill(producer, 12);
    await ingress(nats, aws, `${url}=users/find`);
    await producer.emptied(30_000);
    for (const group of GROUPS) {
      const seen = responder.bodies.filter((body) => body.startsWith(`g${group}-`));
      const names = Array.from({ length: 12 }, (_, number) => nameOf(group, number));
      if (group === 4) names.splice(2, 0, nameOf(4, 2), nameOf(4, 2));
      expect(seen).toEqual(names);
    }
    expect((await dead.receive(10)).map(({ Body }) => Body)).toEqual([nameOf(4, 2)]);
    const tries = responder.seen.filter(({ body }) => body === nameOf(4, 2));
    expect(tries.map(({ event }) => receivesOf(event.meta.attributes))).toEqual([1, 2, 3]);
  });

  it('run side by side: one that is slow holds up no other', async () => {
    const { nats, aws, responder, producer } = await world({}, 'orders.fifo');
    const finish = Promise.withResolvers<{ outcome: 'ok' }>();
    await responder.serve('users/find', ({ body }) =>
      body === nameOf(0, 0) ? finish.promise : { outcome: 'ok' },
    );
    await fill(producer, 5);
    await ingress(nats, aws, `${producer.url}=users/find`);
    await until(
      () => responder.bodies,
      ({ length }) => length === 9 * 5 + 1,
    );
    expect(responder.bodies.filter((body) => body.startsWith('g0-'))).toEqual([nameOf(0, 0)]);
    finish.resolve({ outcome: 'ok' });
    await producer.emptied();
    expect(responder.bodies.filter((body) => body.startsWith('g0-'))).toEqual(
      [0, 1, 2, 3, 4].map((number) => nameOf(0, number)),
    );
  });
});
