import { afterEach, describe, expect, it } from '@jest/globals';
import { type Msg, type NatsConnection, headers as natsHeaders } from '@nats-io/transport-node';
import { type EventEnvelope, encodeResult, MeshError } from '#contracts';
import {
  type CallReply,
  type Connection,
  createCallIntake,
  createInvoker,
  type IncomingCall,
  type Invoker,
} from '#fabric';
import { asPath, meshConnection, natsServer, plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';

afterEach(closeAll);

const PATH = asPath('files/read');
const ID = '0190d0c0-0000-7000-8000-000000000001';
const EVENT: EventEnvelope = { id: ID, meta: { source: 'http' }, timeout: 60_000 };
const NOTHING = new Uint8Array(0);
const OK = encodeResult({ id: ID, outcome: 'ok', status: 200, version: '1.0.0' });
const MIB = 1024 * 1024;

interface World {
  readonly server: Awaited<ReturnType<typeof natsServer>>;
  readonly caller: Connection;
  readonly callee: Connection;
  readonly invoker: Invoker;
  /** What became of each answer in pieces: undefined, or the code with which it ended. */
  readonly ends: (string | undefined)[];
}

async function world(onCall: (call: IncomingCall) => AsyncIterable<Uint8Array>): Promise<World> {
  const server = await natsServer();
  const caller = await meshConnection(server.port);
  const callee = await meshConnection(server.port);
  const ends: (string | undefined)[] = [];
  createCallIntake(callee).serve(PATH, (call) => {
    call.replyStream(OK, onCall(call)).then(
      () => ends.push(undefined),
      (error: MeshError) => ends.push(error.code),
    );
  });
  await callee.flush();
  return { server, caller, callee, ends, invoker: createInvoker(caller, { takesStreams: true }) };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** So many bytes that tell where they stand. */
async function* counting(bytes: number, size: number, tell: { sent: number; ended?: boolean } = { sent: 0 }) {
  try {
    for (; tell.sent < bytes; tell.sent += size) {
      const piece = Buffer.alloc(size);
      piece.writeUInt32BE(tell.sent / size);
      yield piece;
    }
  } finally {
    tell.ended = true;
  }
}

const restOf = (reply: CallReply): AsyncIterable<Uint8Array> => {
  if (!reply.rest) throw new Error('nothing follows');
  return reply.rest;
};

async function gather(from: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of from) all.push(piece);
  return Buffer.concat(all);
}

describe('an answer in pieces', () => {
  it('arrives whole and in order, after its head', async () => {
    const { invoker, ends } = await world(() => pieces('one ', '', 'two ', 'three'));
    const reply = await invoker.invoke(PATH, EVENT, NOTHING);
    expect(reply.result).toMatchObject({ outcome: 'ok', status: 200 });
    expect(reply.body).toHaveLength(0);
    expect((await gather(restOf(reply))).toString()).toBe('one two three');
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual([undefined]);
    await invoker.idle();
  });

  it('may be empty', async () => {
    const { invoker } = await world(() => pieces());
    expect(await gather(restOf(await invoker.invoke(PATH, EVENT, NOTHING)))).toHaveLength(0);
  });

  it('has its head before its first piece is there', async () => {
    const first = Promise.withResolvers<Uint8Array>();
    const { invoker } = await world(async function* () {
      yield await first.promise;
    });
    const rest = restOf(await invoker.invoke(PATH, EVENT, NOTHING));
    first.resolve(Buffer.from('late'));
    expect((await gather(rest)).toString()).toBe('late');
  });

  it('of many bytes is the same bytes, whatever the size in which they were brought', async () => {
    for (const size of [1_000, 64 * 1024, 3 * MIB]) {
      const { invoker } = await world(() => counting(12_000_000, size));
      const all = await gather(restOf(await invoker.invoke(PATH, EVENT, NOTHING)));
      expect(all).toHaveLength(Math.ceil(12_000_000 / size) * size);
      for (let at = 0; at < all.length; at += size) expect(all.readUInt32BE(at)).toBe(at / size);
    }
  });

  it('is asked for only as fast as it is taken', async () => {
    const tell = { sent: 0 };
    const { invoker } = await world(() => counting(64 * MIB, 64 * 1024, tell));
    const rest = restOf(await invoker.invoke(PATH, EVENT, NOTHING))[Symbol.asyncIterator]();
    await rest.next();
    await until(
      () => tell.sent,
      (sent) => sent >= MIB / 4,
    );
    const before = tell.sent;
    expect(before).toBeLessThan(2 * MIB);
    for (let taken = 0; taken < 4 * MIB; ) taken += ((await rest.next()).value as Uint8Array).length;
    expect(tell.sent).toBeLessThan(7 * MIB);
    await rest.return?.();
  });

  it('ends at its source when nobody wants the rest', async () => {
    const tell: { sent: number; ended?: boolean } = { sent: 0 };
    const { invoker, ends } = await world(() => counting(64 * MIB, 64 * 1024, tell));
    for await (const _ of restOf(await invoker.invoke(PATH, EVENT, NOTHING))) break;
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual(['client-gone']);
    expect(tell).toMatchObject({ ended: true });
    expect(tell.sent).toBeLessThan(4 * MIB);
    await invoker.idle();
  });

  it('says with which error its source broke off, after what came before', async () => {
    const { invoker, ends } = await world(async function* () {
      yield Buffer.from('half');
      throw new MeshError('handler-error');
    });
    const rest = restOf(await invoker.invoke(PATH, EVENT, NOTHING))[Symbol.asyncIterator]();
    expect(Buffer.from((await rest.next()).value as Uint8Array).toString()).toBe('half');
    await expect(rest.next()).rejects.toMatchObject({ code: 'handler-error' });
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual(['handler-error']);
  });

  it('is one of many at once', async () => {
    const { invoker } = await world((call) => pieces(...Array(50).fill(Buffer.from(call.body).toString())));
    const answers = Array.from({ length: 100 }, async (_, i) =>
      gather(restOf(await invoker.invoke(PATH, EVENT, Buffer.from(`<${i}>`)))),
    );
    for (const [i, answer] of (await Promise.all(answers)).entries())
      expect(answer.toString()).toBe(`<${i}>`.repeat(50));
  });

  it('is not for callers that do not say so: plain ones, and parts of the mesh that take none', async () => {
    const { server, caller, ends } = await world(() => pieces('x'));
    const plain: NatsConnection = await plainClient(server);
    await expect(plain.request('mesh.call.files.read', '', { timeout: 300 })).rejects.toThrow('timeout');
    await expect(
      createInvoker(caller).invoke(PATH, { ...EVENT, timeout: 300 }, NOTHING),
    ).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(ends).toEqual(['internal', 'internal']);
  });
});

describe('a body in pieces', () => {
  it('arrives whole, and only when the handler asks for it', async () => {
    let asked = 0;
    async function* body() {
      asked++;
      yield Buffer.from('from ');
      yield Buffer.from('here');
    }
    const { invoker } = await world(async function* (call) {
      yield Buffer.from(`asked ${asked}: `);
      for await (const piece of call.rest ?? []) yield piece;
    });
    const reply = await invoker.invoke(PATH, EVENT, body());
    expect((await gather(restOf(reply))).toString()).toBe('asked 0: from here');
    await invoker.idle();
  });

  it('goes both ways at once', async () => {
    const { invoker } = await world(async function* (call) {
      for await (const piece of call.rest ?? []) yield piece;
    });
    const all = await gather(restOf(await invoker.invoke(PATH, EVENT, counting(20_000_000, 100_000))));
    expect(all).toHaveLength(20_000_000);
    for (let at = 0; at < all.length; at += 100_000) expect(all.readUInt32BE(at)).toBe(at / 100_000);
  });
});

describe('a stream whose other end misbehaves', () => {
  const head = () => {
    const made = natsHeaders();
    made.set('mesh-status', '200');
    made.set('mesh-id', ID);
    return made;
  };

  /** Who answers here is no executor, but knows how one speaks. It says `marks`, then hears what it is told. */
  async function hostile(...marks: (readonly [mark: string, body: string])[]) {
    const server = await natsServer();
    const caller = await meshConnection(server.port);
    const plain = await plainClient(server);
    const heard: string[] = [];
    plain.subscribe('mesh.stream.hostile.one', {
      callback: (_, message) => void heard.push(message.headers?.get('mesh-credit') ?? ''),
    });
    const answer = ({ reply }: Msg) => {
      plain.publish(reply as string, '', { headers: head(), reply: 'mesh.stream.hostile.one' });
      for (const [mark, body] of marks) {
        const piece = natsHeaders();
        piece.set('mesh-piece', mark);
        plain.publish(reply as string, body, { headers: piece });
      }
    };
    plain.subscribe('mesh.call.files.read', { callback: (_, message) => answer(message) });
    await plain.flush();
    const invoker = createInvoker(caller, { takesStreams: true });
    return { heard, invoker, rest: restOf(await invoker.invoke(PATH, EVENT, NOTHING)) };
  }

  it.each<[string, (readonly [string, string])[]]>([
    [
      'leaves a piece out',
      [
        ['data 0', 'a'],
        ['data 2', 'c'],
        ['end 3', ''],
      ],
    ],
    [
      'sends two in the wrong order',
      [
        ['data 1', 'b'],
        ['data 0', 'a'],
        ['end 2', ''],
      ],
    ],
    [
      'sends one twice',
      [
        ['data 0', 'a'],
        ['data 0', 'a'],
        ['end 1', ''],
      ],
    ],
    [
      'says what is no part of a stream',
      [
        ['data 0', 'a'],
        ['data 0x1', 'b'],
        ['end 2', ''],
      ],
    ],
  ])('is broken off, and never whole: it %s', async (_, marks) => {
    const { rest, invoker } = await hostile(...marks);
    await expect(gather(rest)).rejects.toMatchObject({ code: 'broken-off' });
    await invoker.idle();
  });

  it('is broken off when it sends more than there is room for', async () => {
    const marks = Array.from({ length: 20 }, (_, i) => [`data ${i}`, 'x'.repeat(65_536)] as const);
    const { rest, heard } = await hostile(...marks);
    await until(
      () => heard,
      () => heard.includes('stop'),
    );
    await expect(gather(rest)).rejects.toMatchObject({ code: 'broken-off' });
  });

  it('is broken off when it falls silent, and told that nobody listens', async () => {
    const { rest, heard } = await hostile(['data 0', 'a']);
    await expect(gather(rest)).rejects.toMatchObject({ code: 'broken-off' });
    expect(heard.length).toBeGreaterThan(1);
  });

  it('cannot be spoken to by who does not know its name', async () => {
    const { invoker, server } = await world(() => counting(3 * MIB, 64 * 1024));
    const plain = await plainClient(server);
    const names: string[] = [];
    plain.subscribe('mesh.stream.>', { callback: (_, message) => void names.push(message.subject) });
    await plain.flush();
    const all = await gather(restOf(await invoker.invoke(PATH, EVENT, NOTHING)));
    expect(all).toHaveLength(3 * MIB);
    for (const name of names) expect(name).toMatch(/^mesh\.stream\.[\w-]{22}\.[\w-]{22}$/);
    expect(names.length).toBeGreaterThan(5);
  });
});

describe('a stream whose connection is lost', () => {
  it('breaks off at both ends when the callers is cut, and the next one is whole', async () => {
    const { server, ends, invoker: untouched } = await world(() => counting(16 * MIB, 64 * 1024));
    const proxy = await tcpProxy(server.port);
    const caller = await meshConnection(proxy.port);
    const invoker = createInvoker(caller, { takesStreams: true });
    const rest = restOf(await invoker.invoke(PATH, EVENT, NOTHING))[Symbol.asyncIterator]();
    await rest.next();
    proxy.cut();
    const taken = (async () => {
      while (!(await rest.next()).done);
    })();
    await expect(taken).rejects.toMatchObject({
      code: expect.stringMatching(/^(not-connected|broken-off)$/),
    });
    await until(
      () => ends,
      ({ length }) => length === 1,
      20_000,
    );
    expect(ends[0]).toMatch(/^(client-gone|broken-off)$/);
    await until(() => caller.connected, Boolean);
    await caller.flush();
    for (const one of [invoker, untouched]) {
      const again = await gather(restOf(await one.invoke(PATH, EVENT, NOTHING)));
      expect(again).toHaveLength(16 * MIB);
    }
  });

  it('breaks off when the server is killed in the middle, whichever way the pieces went', async () => {
    const taken = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    const { server, ends, invoker, caller, callee } = await world(async function* (call) {
      yield Buffer.from('head');
      try {
        for await (const _ of call.rest ?? []) taken.resolve();
      } catch (error) {
        seen.push((error as MeshError).code);
        throw error;
      }
    });
    let isOver = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        isOver = true;
      }
    }
    const reply = await invoker.invoke(PATH, EVENT, endless());
    await taken.promise;
    process.kill(server.pid, 'SIGKILL');
    await expect(gather(restOf(reply))).rejects.toMatchObject({ code: 'not-connected' });
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    await until(() => isOver, Boolean);
    expect([...seen, ...ends]).toEqual(['not-connected', 'not-connected']);
    expect([caller.connected, callee.connected]).toEqual([false, false]);
    await invoker.idle();
  });
});
