import { afterEach, describe, expect, it } from '@jest/globals';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { decodeEvent, decodeHeaders, type EventEnvelope, encodeResult } from '#contracts';
import { type Connection, createCallIntake, createInvoker, type IncomingCall, type Invoker } from '#fabric';
import { asPath, meshConnection, natsServer, plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { tcpProxy } from './fixtures/tcp-proxy.js';

afterEach(closeAll);

const PATH = asPath('users/find');
const ID = '0190d0c0-0000-7000-8000-000000000001';
const EVENT: EventEnvelope = { id: ID, meta: { source: 'http', method: 'GET', path: '/users/find' } };
const NOTHING = new Uint8Array(0);
const bytes = (text: string) => Buffer.from(text);
const OK = encodeResult({ id: ID, outcome: 'ok', status: 200, version: '1.0.0' });

interface World {
  readonly caller: Connection;
  readonly invoker: Invoker;
  readonly server: Awaited<ReturnType<typeof natsServer>>;
}

/** A caller and, on another connection, who answers `users/find`. */
async function world(onCall?: (call: IncomingCall) => void): Promise<World> {
  const server = await natsServer();
  const caller = await meshConnection(server.port);
  if (onCall) {
    const callee = await meshConnection(server.port);
    createCallIntake(callee).serve(PATH, onCall);
    await callee.flush();
  }
  return { server, caller, invoker: createInvoker(caller) };
}

describe('a call', () => {
  it('reaches who serves the path, byte for byte, and its reply comes back', async () => {
    const body = bytes('\0\xff{"a":1}');
    const seen: { event: EventEnvelope; body: Buffer; expectsReply: boolean }[] = [];
    const { invoker } = await world((call) => {
      const event = decodeEvent(decodeHeaders(call.headers as Uint8Array), () => '');
      seen.push({ event, body: Buffer.from(call.body), expectsReply: call.expectsReply });
      call.reply(OK, call.body);
    });
    const reply = await invoker.invoke(PATH, EVENT, body);
    expect(seen).toEqual([{ event: EVENT, body, expectsReply: true }]);
    expect(reply.result).toEqual({ id: ID, outcome: 'ok', status: 200, version: '1.0.0' });
    expect(Buffer.from(reply.body)).toEqual(body);
  });

  it('is one of very many at once, and each gets its own reply', async () => {
    const waiting: IncomingCall[] = [];
    const { invoker } = await world((call) => {
      waiting.push(call);
      // Answered in the reverse order, so that nothing but the reply subject tells them apart.
      if (waiting.length === 2_000) for (const one of waiting.reverse()) one.reply(OK, one.body.slice());
    });
    const all = Array.from({ length: 2_000 }, (_, i) => invoker.invoke(PATH, EVENT, bytes(`${i}`)));
    expect(invoker.inFlight).toBe(2_000);
    const idle = invoker.idle();
    const replies = await Promise.all(all);
    expect(replies.map(({ body }) => Buffer.from(body).toString())).toEqual(replies.map((_, i) => `${i}`));
    await idle;
    expect(invoker.inFlight).toBe(0);
  });

  it('to a path that nobody serves is no-executor at once', async () => {
    const { invoker } = await world();
    const started = performance.now();
    await expect(invoker.invoke(PATH, EVENT, NOTHING)).rejects.toMatchObject({ code: 'no-executor' });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('ends at its deadline, and a late or a second reply disturbs nobody', async () => {
    const calls: IncomingCall[] = [];
    const { invoker, caller } = await world((call) => calls.push(call));
    const late = invoker.invoke(PATH, { ...EVENT, timeout: 60 }, bytes('late'));
    await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' });
    const next = invoker.invoke(PATH, EVENT, bytes('next'));
    await until(
      () => calls.length,
      (n) => n === 2,
    );
    const [first, second] = calls as [IncomingCall, IncomingCall];
    first.reply(OK, bytes('too late'));
    second.reply(OK, bytes('in time'));
    second.reply(OK, bytes('twice'));
    expect(Buffer.from((await next).body).toString()).toBe('in time');
    await caller.flush();
    expect(invoker.inFlight).toBe(0);
  });

  it('carries an error of the executor as a reply', async () => {
    const failed = encodeResult({ id: ID, outcome: 'handler-error', status: 500 });
    const { invoker } = await world((call) => call.reply(failed, bytes('{}')));
    expect((await invoker.invoke(PATH, EVENT, NOTHING)).result.outcome).toBe('handler-error');
  });

  it('answered with something that is no result is a mistake of the mesh', async () => {
    const { invoker } = await world((call) =>
      call.reply(bytes('NATS/1.0\r\nmesh-status: soon\r\n\r\n'), NOTHING),
    );
    await expect(invoker.invoke(PATH, EVENT, NOTHING)).rejects.toMatchObject({ code: 'internal' });
  });

  it('rejects, and does not throw, for an event that no header can carry', async () => {
    const { invoker } = await world();
    const calling = invoker.invoke(PATH, { ...EVENT, version: 'a\r\nb' }, NOTHING);
    await expect(calling).rejects.toMatchObject({ code: 'internal' });
    expect(invoker.inFlight).toBe(0);
  });
});

describe('a body', () => {
  it('of the largest size arrives; one byte more is refused before anything is sent', async () => {
    const sizes: number[] = [];
    const { invoker, caller } = await world((call) => {
      sizes.push(call.body.length);
      call.reply(OK, NOTHING);
    });
    expect(caller.maxBody).toBe(8 * 1024 * 1024 - 16 * 1024);
    await invoker.invoke(PATH, EVENT, new Uint8Array(caller.maxBody));
    const tooLarge = invoker.invoke(PATH, EVENT, new Uint8Array(caller.maxBody + 1));
    await expect(tooLarge).rejects.toMatchObject({ code: 'payload-too-large' });
    expect(sizes).toEqual([caller.maxBody]);
  });

  it('that fits beside no such headers is refused, too, and the connection lives on', async () => {
    const { invoker, caller } = await world((call) => call.reply(OK, NOTHING));
    const meta = { source: 'http', query: 'x'.repeat(20_000) } as const;
    const tooLarge = invoker.invoke(PATH, { ...EVENT, meta }, new Uint8Array(caller.maxBody));
    await expect(tooLarge).rejects.toMatchObject({ code: 'payload-too-large' });
    expect((await invoker.invoke(PATH, EVENT, NOTHING)).result.status).toBe(200);
  });
});

describe('while not connected', () => {
  it('a call is 503 at once and never sent later; calls work again after the reconnect', async () => {
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const calls: string[] = [];
    const callee = await meshConnection(server.port);
    createCallIntake(callee).serve(PATH, (call) => {
      calls.push(Buffer.from(call.body).toString());
      call.reply(OK, NOTHING);
    });
    await callee.flush();
    const caller = await meshConnection(proxy.port);
    const invoker = createInvoker(caller);
    const changes: boolean[] = [];
    caller.onStatus((connected) => changes.push(connected));
    await invoker.invoke(PATH, EVENT, bytes('before'));

    proxy.shut();
    await until(
      () => caller.connected,
      (connected) => !connected,
    );
    const started = performance.now();
    for (let i = 0; i < 50; i++)
      await expect(invoker.invoke(PATH, EVENT, bytes('while'))).rejects.toMatchObject({
        code: 'not-connected',
      });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(invoker.inFlight).toBe(0);

    proxy.open();
    await until(() => caller.connected, Boolean);
    await invoker.invoke(PATH, EVENT, bytes('after'));
    expect(calls).toEqual(['before', 'after']);
    expect(changes).toEqual([false, true]);
  });

  it('what was published in the moment of the cut is answered or ends at its deadline, never hangs', async () => {
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const callee = await meshConnection(server.port);
    createCallIntake(callee).serve(PATH, (call) => call.reply(OK, NOTHING));
    await callee.flush();
    const caller = await meshConnection(proxy.port);
    const invoker = createInvoker(caller);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < 5; round++) {
      const calling = Array.from({ length: 40 }, () =>
        invoker.invoke(PATH, { ...EVENT, timeout: 400 }, NOTHING).then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      );
      proxy.cut();
      for (const outcome of await Promise.all(calling))
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await until(() => caller.connected, Boolean);
    }
    expect([...outcomes.values()].reduce((a, b) => a + b)).toBe(200);
    for (const outcome of outcomes.keys())
      expect(['ok', 'deadline-exceeded', 'not-connected']).toContain(outcome);
    expect(invoker.inFlight).toBe(0);
  });

  it('a connection that is cut again in its handshake is made anew at once', async () => {
    const server = await natsServer();
    const proxy = await tcpProxy(server.port);
    const caller = await meshConnection(proxy.port);
    proxy.cutNextAtHello();
    proxy.cut();
    await until(
      () => caller.connected,
      (connected) => !connected,
    );
    const started = performance.now();
    await until(() => caller.connected, Boolean);
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it('a server that restarts on its port is found again', async () => {
    const server = await natsServer();
    const caller = await meshConnection(server.port);
    const { port } = server;
    await server.stop();
    await until(
      () => caller.connected,
      (connected) => !connected,
    );
    await natsServer({ open: true, port });
    await until(() => caller.connected, Boolean);
    const callee = await meshConnection(port);
    createCallIntake(callee).serve(PATH, (call) => call.reply(OK, NOTHING));
    await callee.flush();
    expect((await createInvoker(caller).invoke(PATH, EVENT, NOTHING)).result.status).toBe(200);
  });
});

describe('call intake', () => {
  it('shares the calls of a path between executors, each call to one', async () => {
    const { server, invoker } = await world();
    const taken = [0, 0];
    for (const i of [0, 1]) {
      const callee = await meshConnection(server.port);
      createCallIntake(callee).serve(PATH, (call) => {
        (taken as number[])[i]++;
        call.reply(OK, NOTHING);
      });
      await callee.flush();
    }
    for (let i = 0; i < 200; i++) await invoker.invoke(PATH, EVENT, NOTHING);
    expect((taken[0] as number) + (taken[1] as number)).toBe(200);
    expect(Math.min(...taken)).toBeGreaterThan(20);
  });

  it('answers plain clients: no header, no reply subject', async () => {
    const calls: { headers: unknown; expectsReply: boolean; body: string }[] = [];
    const { server } = await world((call) => {
      const { headers, expectsReply } = call;
      calls.push({ headers, expectsReply, body: Buffer.from(call.body).toString() });
      call.reply(OK, bytes('found'));
    });
    const client = await plainClient(server);
    const reply = await client.request('mesh.call.users.find', '{"id":"42"}');
    expect(reply.string()).toBe('found');
    expect(reply.headers?.get('mesh-status')).toBe('200');
    client.publish('mesh.call.users.find', 'nobody waits');
    await until(
      () => calls.length,
      (n) => n === 2,
    );
    expect(calls).toEqual([
      { headers: undefined, expectsReply: true, body: '{"id":"42"}' },
      { headers: undefined, expectsReply: false, body: 'nobody waits' },
    ]);
  });

  it('sees the same headers as nats.js itself does', async () => {
    const seen: Record<string, string>[] = [];
    const { server } = await world((call) => {
      seen.push({ ...decodeHeaders(call.headers as Uint8Array) });
      call.reply(OK, NOTHING);
    });
    const client = await plainClient(server);
    const own: Record<string, string>[] = [];
    client.subscribe('mesh.call.users.find', {
      callback: (_, { headers }) => {
        const names = headers?.keys() ?? [];
        own.push(Object.fromEntries(names.map((name) => [name.toLowerCase(), headers?.get(name) ?? ''])));
      },
    });
    await client.flush();
    for (const pairs of [
      [['Mesh-Version', '1.0.0']],
      [
        ['a', ' b '],
        ['X-Code', 'çödé'],
        ['empty', ''],
      ],
    ]) {
      const headers = natsHeaders();
      for (const [name, value] of pairs) headers.append(name as string, value as string);
      await client.request('mesh.call.users.find', 'body', { headers, timeout: 2_000 });
    }
    await until(
      () => own.length,
      (n) => n === 2,
    );
    expect(seen).toEqual(own);
  });

  it('when drained, hands over everything that was routed to it and takes nothing more', async () => {
    const server = await natsServer();
    const callee = await meshConnection(server.port);
    let handed = 0;
    const served = createCallIntake(callee).serve(PATH, (call) => {
      handed++;
      call.reply(OK, NOTHING);
    });
    await callee.flush();
    const client = await plainClient(server);
    for (let i = 0; i < 5_000; i++) client.publish('mesh.call.users.find', 'x'.repeat(200));
    await client.flush();
    await served.drain();
    expect(handed).toBe(5_000);
    await expect(client.request('mesh.call.users.find')).rejects.toThrow(/no responders/i);
    expect(handed).toBe(5_000);
  });

  it('drains also when the connection has closed', async () => {
    const server = await natsServer();
    const callee = await meshConnection(server.port);
    const served = createCallIntake(callee).serve(PATH, () => undefined);
    await callee.close();
    await served.drain();
  });
});
