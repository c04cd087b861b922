import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { encodeResult, MeshError, type ResultEnvelope } from '#contracts';
import { createCallIntake, type IncomingCall } from '#fabric';
import { asPath } from './fixtures/fabric.js';
import { closeAll, later, until } from './fixtures/later.js';
import { catalogue, connectAs, type Environment, ingress } from './fixtures/mesh.js';

/* Streams through the HTTP ingress; who answers is this test itself, as an executor would. */

afterEach(closeAll);

const ID = '0190d0c0-0000-7000-8000-000000000001';
const MIB = 1024 * 1024;
const NOTHING = new Uint8Array(0);
const result = (more: Partial<ResultEnvelope> = {}) =>
  encodeResult({ id: ID, outcome: 'ok', status: 200, ...more });

interface World {
  readonly url: string;
  readonly stop: () => Promise<void>;
  /** With which code each answer in pieces ended, if not well. */
  readonly ends: (string | undefined)[];
  /** The body of each request that came in pieces. */
  readonly bodies: { bytes: number; end?: string | undefined }[];
}

type Answer = (call: IncomingCall) => AsyncIterable<Uint8Array>;

/** @param answer of who takes bodies as they come; without one, the call is answered with the size of its body */
async function world(
  answer?: Answer,
  environment: Environment = {},
  head: Partial<ResultEnvelope> = {},
  before: () => Promise<void> = async () => undefined,
): Promise<World> {
  const of = await catalogue();
  const code = 'export default () => 1';
  await of.publish({ path: 'files', version: '1.0.0', body: 'stream' }, code);
  await of.publish({ path: 'whole', version: '1.0.0' }, code);
  await of.publish({ path: 'large', version: '1.0.0', limits: { payloadBytes: 12 * MIB } }, code);
  const executor = await connectAs(of.nats, 'executor');
  const intake = createCallIntake(executor);
  const seen: Pick<World, 'ends' | 'bodies'> = { ends: [], bodies: [] };
  const onCall = (call: IncomingCall) =>
    answer ? goOn(call, answer, head, seen.ends) : void before().then(() => measure(call, seen.bodies));
  for (const path of ['files', 'whole', 'large']) intake.serve(asPath(path), onCall);
  await executor.flush();
  return { ...(await ingress(of, environment)), ...seen };
}

function goOn(call: IncomingCall, answer: Answer, head: Partial<ResultEnvelope>, ends: World['ends']): void {
  call.replyStream(result(head), answer(call)).then(
    () => ends.push(undefined),
    (error: MeshError) => ends.push(error.code),
  );
}

async function measure(call: IncomingCall, bodies: World['bodies']): Promise<void> {
  const body: World['bodies'][number] = { bytes: call.body.length };
  bodies.push(body);
  try {
    for await (const piece of call.rest ?? []) body.bytes += piece.length;
    body.end = 'whole';
    call.reply(result(), Buffer.from(String(body.bytes)));
  } catch (error) {
    body.end = (error as MeshError).code;
  }
}

async function* texts(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** Goes on until nobody takes it any more. */
async function* endless(tell: { sent: number; isOver?: boolean }, size = 64 * 1024) {
  try {
    for (;;) {
      yield Buffer.alloc(size, 'x');
      tell.sent += size;
    }
  } finally {
    tell.isOver = true;
  }
}

/** Opens a request whose answer is read by hand. */
async function open(url: string, method = 'GET'): Promise<IncomingMessage> {
  const asked = request(url, { method, agent: false }).on('error', () => undefined);
  later(() => asked.destroy());
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response.on('error', () => undefined);
}

async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What comes back of bytes that are sent as they are, until the connection ends. */
async function raw(url: string, head: string): Promise<{ text: string; error?: string | undefined }> {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
  later(() => socket.destroy());
  const chunks: Buffer[] = [];
  let error: string | undefined;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (fault: NodeJS.ErrnoException) => {
    error = fault.code;
  });
  socket.write(head);
  await new Promise((resolve) => socket.once('close', resolve));
  return { text: Buffer.concat(chunks).toString('latin1'), error };
}

describe('an answer in pieces', () => {
  it('is written as it comes: its head first, then each piece', async () => {
    const next = Promise.withResolvers<void>();
    const { url, ends } = await world(async function* () {
      await next.promise;
      yield Buffer.from('one');
    });
    const response = await open(`${url}/files`);
    expect([response.statusCode, response.headers['content-length'], response.headers['mesh-id']]).toEqual([
      200,
      undefined,
      ID,
    ]);
    next.resolve();
    expect(await textOf(response)).toBe('one');
    expect(response.complete).toBe(true);
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual([undefined]);
  });

  it('leaves the connection to the next request', async () => {
    const { url } = await world(() => texts('a', 'b'));
    const twice =
      'GET /files HTTP/1.1\r\nHost: x\r\n\r\nGET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const { text } = await raw(url, twice);
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(2);
    expect(text.match(/\r\n0\r\n\r\n/g)).toHaveLength(2);
  });

  it.each([
    [{}, 'no-cache', 'no'],
    [{ headers: { 'cache-control': 'private', 'x-accel-buffering': 'yes' } }, 'private', 'yes'],
  ])(
    'of events is not gathered on its way, unless the handler says so: %j',
    async (meta, cache, buffering) => {
      const { url } = await world(() => texts('data: 1\n\n'), {}, { contentType: 'text/event-stream', meta });
      const { headers } = await fetch(`${url}/files`);
      expect([headers.get('cache-control'), headers.get('x-accel-buffering')]).toEqual([cache, buffering]);
    },
  );

  it('waits for a client that is slow, and is whole in the end', async () => {
    const tell = { sent: 0 };
    const { url } = await world(async function* () {
      for await (const piece of endless(tell)) {
        yield piece;
        if (tell.sent >= 24 * MIB) return;
      }
    });
    const response = await open(`${url}/files`);
    let before = -1;
    await until(
      () => {
        const moved = tell.sent !== before;
        before = tell.sent;
        return moved;
      },
      (moved) => !moved && tell.sent > 0,
    );
    // What the kernel's buffers and the mesh's window hold.
    expect(tell.sent).toBeLessThan(16 * MIB);
    let size = 0;
    for await (const chunk of response) size += (chunk as Buffer).length;
    expect(size).toBe(24 * MIB + 64 * 1024);
  });

  it('ends at its source when the client goes', async () => {
    const tell: { sent: number; isOver?: boolean } = { sent: 0 };
    const { url, ends } = await world(() => endless(tell));
    const response = await open(`${url}/files`);
    await once(response, 'data');
    response.destroy();
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect([ends, tell.isOver]).toEqual([['client-gone'], true]);
  });

  it('ends at its source when the client goes while nothing is sent', async () => {
    const { url, ends } = await world(async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await new Promise(() => undefined);
    });
    const response = await open(`${url}/files`);
    await once(response, 'data');
    response.destroy();
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual(['client-gone']);
  });

  it('is cut before its end where it breaks off', async () => {
    const { url } = await world(async function* () {
      yield Buffer.from('half');
      throw new MeshError('handler-error');
    });
    const { text } = await raw(`${url}/files`, 'GET /files HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    expect(text).toContain('4\r\nhalf\r\n');
    expect(text).not.toContain('\r\n0\r\n');
    await expect(fetch(`${url}/files`).then((answer) => answer.text())).rejects.toThrow('terminated');
  });

  it('is plain bytes until the end of the connection for HTTP/1.0, and a reset where it breaks off', async () => {
    let breaks = false;
    const { url } = await world(async function* () {
      yield Buffer.from('half');
      if (breaks) throw new MeshError('handler-error');
    });
    const head = 'GET /files HTTP/1.0\r\n\r\n';
    const whole = await raw(url, head);
    expect(whole.error).toBeUndefined();
    expect(whole.text).toMatch(/\r\n\r\nhalf$/);
    expect(whole.text).not.toMatch(/transfer-encoding/i);
    breaks = true;
    expect((await raw(url, head)).error).toBe('ECONNRESET');
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
  ])('has no body for %s %s, and its source is not asked for one', async (method, status) => {
    const tell: { sent: number; isOver?: boolean } = { sent: 0 };
    const { url, ends } = await world(() => endless(tell), {}, { status });
    const response = await fetch(`${url}/files`, { method });
    expect([response.status, await response.text()]).toEqual([status, '']);
    await until(
      () => ends,
      ({ length }) => length === 1,
    );
    expect(ends).toEqual(['client-gone']);
  });

  it('is gathered for who asks for it by the AWS API, which has no pieces there', async () => {
    const { url } = await world(() => texts('{"a"', ':1}'));
    const answer = await fetch(`${url}/2015-03-31/functions/files/invocations`, {
      method: 'POST',
      body: '{}',
    });
    expect([answer.status, await answer.text()]).toEqual([200, '{"a":1}']);
  });

  it('may end while the ingress is stopping', async () => {
    const next = Promise.withResolvers<void>();
    const { url, stop } = await world(async function* () {
      yield Buffer.from('one ');
      await next.promise;
      yield Buffer.from('two');
    });
    const response = await open(`${url}/files`);
    const stopped = stop();
    next.resolve();
    expect(await textOf(response)).toBe('one two');
    expect(response.complete).toBe(true);
    await stopped;
  });
});

/** So many bytes; never all of them at once. */
const large = (bytes: number): ReadableStream =>
  Readable.toWeb(
    Readable.from(
      (function* () {
        for (let sent = 0; sent < bytes; sent += 64 * 1024)
          yield Buffer.alloc(Math.min(64 * 1024, bytes - sent));
      })(),
    ),
  ) as ReadableStream;

const upload = (url: string, bytes: number) =>
  fetch(url, { method: 'POST', body: large(bytes), duplex: 'half' } as RequestInit);

describe('a large body', () => {
  const most = { MESH_MAX_BODY: String(16 * MIB) };

  it('goes on in pieces where the handler takes those, of whatever size', async () => {
    const { url, bodies } = await world(undefined, most);
    for (const size of [0, 1, 100_000, 9 * MIB, 16 * MIB])
      expect(await (await upload(`${url}/files`, size)).text()).toBe(String(size));
    expect(bodies.map(({ end }) => end)).toEqual(Array(5).fill('whole'));
  });

  it('goes on in pieces where the handler says that it takes as much, and is one message where it fits one', async () => {
    const { url } = await world(undefined, most);
    const post = (size: number) => fetch(`${url}/large`, { method: 'POST', body: Buffer.alloc(size) });
    for (const size of [0, 1, MIB, 12 * MIB]) expect(await (await post(size)).text()).toBe(String(size));
    expect((await post(12 * MIB + 1)).status).toBe(413);
  });

  it.each([
    ['files', 16 * MIB + 1, most],
    ['whole', 8 * MIB, most],
    ['files', 8 * MIB, {}],
    ['large', 8 * MIB, {}],
    ['whole', 1_001, { MESH_MAX_BODY: '1000' }],
  ])('is refused at %s with %i bytes and %j, announced or not', async (path, size, environment) => {
    const { url } = await world(undefined, environment as Environment);
    const announced = await fetch(`${url}/${path}`, { method: 'POST', body: Buffer.alloc(size) });
    expect([announced.status, await announced.json()]).toMatchObject([413, { code: 'payload-too-large' }]);
    expect((await upload(`${url}/${path}`, size)).status).toBe(413);
    const later = { method: 'POST', body: Buffer.alloc(size), headers: { prefer: 'respond-async' } };
    expect((await fetch(`${url}/${path}`, later)).status).toBe(413);
  });

  it('that turns out too large breaks off for the handler, too', async () => {
    const { url, bodies } = await world(undefined, most);
    expect((await upload(`${url}/files`, 17 * MIB)).status).toBe(413);
    await until(
      () => bodies,
      ([body]) => body?.end !== undefined,
    );
    expect(bodies[0]?.end).toBe('payload-too-large');
  });

  it('that is too large leaves the connection to the next request, once it was sent to its end', async () => {
    const { url } = await world(undefined, { MESH_MAX_BODY: '100000' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    later(() => agent.destroy());
    const post = async (chunks: number): Promise<unknown[]> => {
      const posted = request(`${url}/files`, { method: 'POST', agent });
      for (let n = 0; n < chunks; n++) posted.write(Buffer.alloc(50_000));
      const [response] = (await once(posted, 'response')) as [IncomingMessage];
      for (let n = 0; n < chunks; n++) posted.write(Buffer.alloc(50_000));
      posted.end();
      return [response.statusCode, (await textOf(response)).length > 0, posted.reusedSocket];
    };
    expect(await post(4)).toEqual([413, true, false]);
    const [response] = await once(request(`${url}/whole`, { method: 'POST', agent }).end(), 'response');
    expect([response.statusCode, response.req.reusedSocket]).toEqual([200, true]);
    response.resume();
  });

  it('is asked for only when the handler wants it, where the client waits for that', async () => {
    const wanted = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { url } = await world(undefined, most, {}, async () => {
      arrived.resolve();
      await wanted.promise;
    });
    const headers = { expect: '100-continue', 'content-length': 200_000 };
    const posted = request(`${url}/files`, { method: 'POST', headers, agent: false });
    later(() => posted.destroy());
    let isAsked = false;
    posted.once('continue', () => {
      isAsked = true;
      posted.end(Buffer.alloc(200_000));
    });
    posted.flushHeaders();
    await arrived.promise;
    expect(isAsked).toBe(false);
    wanted.resolve();
    const [response] = (await once(posted, 'response')) as [IncomingMessage];
    expect([await textOf(response), isAsked]).toEqual(['200000', true]);
  });

  it('is asked for before an answer begins whose handler may want it later', async () => {
    const { url } = await world(async function* (call) {
      yield Buffer.from('it has ');
      let size = 0;
      for await (const piece of call.rest ?? []) size += piece.length;
      yield Buffer.from(String(size));
    }, most);
    const headers = { expect: '100-continue', 'content-length': 200_000 };
    const posted = request(`${url}/files`, { method: 'POST', headers, agent: false });
    later(() => posted.destroy());
    posted.once('continue', () => posted.end(Buffer.alloc(200_000)));
    posted.flushHeaders();
    const [response] = (await once(posted, 'response')) as [IncomingMessage];
    expect(await textOf(response)).toBe('it has 200000');
  });

  it('breaks off for the handler when the client goes', async () => {
    const { url, bodies } = await world(undefined, most);
    const posted = request(`${url}/files`, { method: 'POST', headers: { 'content-length': 10 * MIB } });
    posted.on('error', () => undefined);
    posted.write(Buffer.alloc(MIB));
    await until(
      () => bodies,
      ([body]) => (body?.bytes ?? 0) > 0,
    );
    posted.destroy();
    await until(
      () => bodies,
      ([body]) => body?.end !== undefined,
    );
    expect(bodies[0]?.end).toBe('client-gone');
  });

  it('is not waited for where the handler has answered', async () => {
    const of = await catalogue();
    await of.publish({ path: 'files', version: '1.0.0', body: 'stream' }, 'export default () => 1');
    const executor = await connectAs(of.nats, 'executor');
    createCallIntake(executor).serve(asPath('files'), (call) => call.reply(result(), NOTHING));
    await executor.flush();
    const { url } = await ingress(of, most);
    const posted = request(`${url}/files`, { method: 'POST', headers: { 'content-length': 10 * MIB } });
    later(() => posted.destroy());
    posted.write(Buffer.alloc(MIB));
    const [response] = (await once(posted, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    posted.end(Buffer.alloc(9 * MIB));
    await once(posted, 'close');
  });
});
