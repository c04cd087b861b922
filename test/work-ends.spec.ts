import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ATTEMPTS_BUCKET,
  CALLBACKS_STREAM,
  decodeAsyncState,
  decodeResult,
  encodeCancelled,
  encodeReplay,
  encodeWaiting,
  mintMeshId,
  RESULTS_BUCKET,
} from '#contracts';
import { openKeep } from '#fabric';
import { asPath, plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { connectAs, executor } from './fixtures/mesh.js';
import { type WorkScene, workScene } from './fixtures/work.js';

/* How work can end, and who hears of it. */

afterEach(closeAll);

interface Seen {
  readonly path: string;
  readonly attempt: number;
  readonly at: number;
  readonly id: string;
  readonly body: unknown;
}
const seen: Seen[] = [];
(globalThis as { endsSeen?: typeof seen }).endsSeen = seen;
afterEach(() => void seen.splice(0));

const handler = (code: string) => `export default async (event, context) => {
  globalThis.endsSeen.push({ path: event.path, attempt: context.attempt, at: Date.now(), id: event.id, body: event.body });
  ${code}
};`;
const A = { path: 'a', version: '1.0.0' };
const bytes = (text: string) => Buffer.from(text);
const resultsOf = async (scene: WorkScene) =>
  openKeep(await connectAs(scene.nats, 'executor'), RESULTS_BUCKET);

describe('Retry-After', () => {
  it.each([
    ['of a FAIL', `return context('FAIL', 'later', { headers: { 'retry-after': 1 } })`],
    ['of a throw', `throw Object.assign(new Error('busy'), { retryAfter: 1 })`],
  ])('%s is heeded: not before, and counted', async (_, busy) => {
    const scene = await workScene();
    await scene.publish({ ...A, work: { backoffMs: 1 } }, handler(`if (context.attempt === 1) ${busy}`));
    await executor(scene);
    await scene.accept('a', 1);
    await scene.quiet();
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });
});

describe('work that is not to be run', () => {
  it.each<[string, string, (scene: WorkScene) => Promise<unknown>]>([
    ['has expired', 'expired', (scene) => scene.accept('a', 1, { expires: Date.now() - 1 })],
    ['names no live version', 'no-version', (scene) => scene.accept('a', 1, { version: '9.9.9' })],
    ['has no handler', 'no-route', (scene) => scene.accept('nobody/there', 1)],
    [
      'has a subject that is no path',
      'bad-path',
      async (scene) => (await plainClient(scene.nats, 'ingress')).publish('mesh.work.Not.A-Path', 'x'),
    ],
  ])('because it %s is a dead letter', async (_, reason, send) => {
    const scene = await workScene();
    await scene.publish(A, handler(''));
    await executor(scene);
    await send(scene);
    expect(await until(scene.dead, ({ length }) => length > 0)).toMatchObject([{ facts: { reason } }]);
    await scene.quiet();
    expect(seen).toEqual([]);
  });

  it('is waited for while its route is on its way', async () => {
    const scene = await workScene();
    await executor(scene);
    await scene.accept('a', 1);
    await until(
      () => scene.manager.consumers.info('WORK', 'pool-default'),
      ({ num_redelivered }) => num_redelivered > 0,
    );
    await scene.publish(A, handler(''));
    await scene.quiet();
    expect(seen).toMatchObject([{ attempt: 1 }]);
    expect(await scene.dead()).toEqual([]);
  });
});

describe('work of a plain publisher', () => {
  it('needs no header at all, and has the same id at each attempt', async () => {
    const scene = await workScene();
    await scene.publish(
      { ...A, work: { backoffMs: 1 } },
      handler(`if (context.attempt < 3) throw new Error()`),
    );
    await executor(scene);
    (await plainClient(scene.nats, 'ingress')).publish('mesh.work.a', '{"n":1}');
    await until(
      () => seen.length,
      (count) => count === 3,
    );
    await scene.quiet();
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    expect(seen[0]).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), body: { n: 1 } });
  });
});

describe('a result', () => {
  it('is kept where that was asked for, as what the call became', async () => {
    const scene = await workScene();
    await scene.publish(
      { ...A, work: { attempts: 2, backoffMs: 1 } },
      handler(`if (event.body === 'bad') throw new Error('no'); return { n: event.body }`),
    );
    const results = await resultsOf(scene);
    const claim = async (id: string) => {
      const call = {
        path: asPath('a'),
        acceptedAt: Date.now(),
        expires: Date.now() + 60_000,
        keepMs: 60_000,
      };
      await results.replace(id, 0, encodeWaiting(call), new Uint8Array(0));
    };
    const [good, bad] = [mintMeshId(), mintMeshId()];
    await claim(good);
    await claim(bad);
    await executor(scene);
    await scene.accept('a', 7, { id: good, keep: true });
    await scene.accept('a', 'bad', { id: bad, keep: true });
    const unclaimed = await scene.accept('a', 8, { keep: true });
    await scene.quiet();
    const kept = async (id: string) => {
      const value = await results.get(id);
      return value && { ...decodeAsyncState(value.headers), body: Buffer.from(value.value).toString() };
    };
    expect(await kept(good)).toMatchObject({
      state: 'done',
      call: { attempts: 1 },
      result: { id: good, outcome: 'ok', status: 200, version: '1.0.0', contentType: 'application/json' },
      body: '{"n":7}',
    });
    expect(await kept(bad)).toMatchObject({
      state: 'done',
      call: { attempts: 2 },
      result: { outcome: 'handler-error', status: 500 },
    });
    expect(await kept(unclaimed)).toMatchObject({ state: 'done', body: '{"n":8}' });
  });

  it('is not made for what was cancelled, nor twice for what is done', async () => {
    const scene = await workScene();
    await scene.publish(A, handler('return 1'));
    const results = await resultsOf(scene);
    const call = { path: asPath('a'), acceptedAt: Date.now(), expires: Date.now() + 60_000, keepMs: 60_000 };
    const id = mintMeshId();
    await results.put(id, encodeCancelled(call, Date.now()), new Uint8Array(0));
    const running = await executor(scene);
    await scene.accept('a', 1, { id, keep: true });
    await scene.quiet();
    expect(seen).toEqual([]);
    await running.stop();
    expect(await scene.records()).toMatchObject([{ id, outcome: 'cancelled', status: 499 }]);
  });

  it('goes to the stream of callbacks, and to who waits at mesh-reply', async () => {
    const scene = await workScene();
    await scene.publish(A, handler('return { n: event.body }'));
    await executor(scene);
    const client = await plainClient(scene.nats, 'ingress');
    const inbox = '_INBOX.ingress.here';
    const answers: string[] = [];
    client.subscribe(inbox, { callback: (_, message) => void answers.push(message.string()) });
    await client.flush();
    const id = await scene.accept('a', 5, { callback: 'https://example.org/é?x=1', reply: inbox });
    // Whoever may not be told by a reply is not: this is a call's subject.
    await scene.accept('a', 6, { reply: 'mesh.call.a' });
    await scene.quiet();
    await until(
      () => answers,
      ({ length }) => length === 1,
    );
    expect(answers).toEqual(['{"n":5}']);
    const message = await scene.manager.streams.getMessage(CALLBACKS_STREAM, { seq: 1 });
    expect(message?.subject).toBe(`mesh.callback.${id}`);
    expect(message?.header.get('mesh-callback')).toBe('https://example.org/%C3%A9?x=1');
    const headers: Record<string, string> = {};
    for (const name of message?.header.keys() ?? [])
      headers[name.toLowerCase()] = message?.header.get(name) ?? '';
    expect(decodeResult(headers)).toMatchObject({ id, outcome: 'ok', status: 200 });
    expect(seen).toHaveLength(2);
  });
});

describe('a replay', () => {
  it('begins anew under its old id', async () => {
    const scene = await workScene();
    await scene.publish({ ...A, work: { attempts: 2, backoffMs: 1 } }, handler(`throw new Error('still')`));
    await executor(scene);
    const id = await scene.accept('a', 1);
    const [letter] = await until(scene.dead, ({ length }) => length === 1);
    await scene.quiet();
    await scene.publisher.publish(asPath('a'), encodeReplay(letter?.headers ?? {}), bytes('1'));
    await until(scene.dead, ({ length }) => length === 2);
    await scene.quiet();
    expect(seen.map((one) => [one.id, one.attempt])).toEqual([
      [id, 1],
      [id, 2],
      [id, 1],
      [id, 2],
    ]);
    const [, again] = await scene.dead();
    expect(again?.headers).toMatchObject({ 'mesh-id': id, 'mesh-replay': '1' });
  });
});

describe('a dead letter for which there is no room', () => {
  it('waits as work, with its reason, and is not run again', async () => {
    const scene = await workScene(undefined, {}, { deadMaxBytes: 1_000 });
    await scene.publish(A, handler(`return context('FAIL', 'no such user')`));
    const running = await executor(scene);
    await scene.accept('a', 'x'.repeat(2_000));
    await until(
      () => scene.manager.consumers.info('WORK', 'pool-default'),
      ({ num_ack_pending }) => num_ack_pending === 1,
    );
    await until(
      () => seen,
      ({ length }) => length === 1,
    );
    const { id } = seen[0] as Seen;
    const attempts = openKeep(await connectAs(scene.nats, 'executor'), ATTEMPTS_BUCKET);
    await until(
      () => attempts.get(id),
      (kept) => kept !== undefined,
    );
    await running.stop();
    expect(await scene.waiting()).toBe(1);
    await scene.manager.streams.update('DEAD', { max_bytes: 1_000_000 });
    await executor(scene);
    // It was put off for half a minute.
    expect(await until(scene.dead, ({ length }) => length === 1, 45_000)).toMatchObject([
      { facts: { reason: 'failed', error: 'no such user', attempts: 1 } },
    ]);
    expect(seen).toHaveLength(1);
  }, 60_000);
});

describe('what is known of attempts', () => {
  it('is forgotten when the event has ended', async () => {
    const scene = await workScene();
    await scene.publish(
      { ...A, work: { backoffMs: 1 } },
      handler(`if (context.attempt < 2) throw new Error()`),
    );
    await executor(scene);
    const id = await scene.accept('a', 1);
    await scene.quiet();
    const attempts = openKeep(await connectAs(scene.nats, 'executor'), ATTEMPTS_BUCKET);
    await until(
      () => attempts.get(id),
      (kept) => kept === undefined,
    );
  });
});
