import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { BodySink } from './http-body.js';
import { HttpConnection, type HttpReply } from './http-connection.js';
import type { RequestHead } from './http-head.js';

/* Messages as clients send them, cut wherever a network may cut them. */

interface Seen {
  readonly head: RequestHead;
  readonly reply: HttpReply;
  body: string;
  end: string | undefined;
  isBroken: boolean;
}

/** What a connection made of what arrived, and what it wrote. */
function connection(onSeen: (seen: Seen) => void = ({ reply, body }) => respond(reply, body)) {
  const socket = Object.assign(new PassThrough(), { setNoDelay: () => socket }) as unknown as Socket;
  let written = '';
  socket.write = ((piece: Buffer | string) => {
    written += typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1');
    return true;
  }) as typeof socket.write;
  const all: Seen[] = [];
  new HttpConnection(socket, (head, reply): BodySink => {
    const seen: Seen = { head, reply, body: '', end: undefined, isBroken: false };
    all.push(seen);
    return {
      data: (bytes) => {
        seen.body += bytes.toString();
      },
      end: (trailers) => {
        seen.end = trailers;
        onSeen(seen);
      },
      broken: () => {
        seen.isBroken = true;
      },
    };
  });
  const arrive = (text: string) => socket.emit('data', Buffer.from(text));
  return { socket, all, arrive, written: () => written };
}

const respond = (reply: HttpReply, body = ''): void => reply.respond('200 OK', 'X: y\r\n', Buffer.from(body));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const answerOf = (body: string) => `HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const GET = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST /r HTTP/1.1\r\ncontent-LENGTH:  5\r\nX-Type: Function.A\r\n\r\nhello';
const CHUNKED =
  'POST /s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nX-Error: E\r\n\r\n';

describe('a connection', () => {
  it.each(Array.from({ length: GET.length + POST.length + CHUNKED.length }, (_, at) => at))(
    'reads requests that follow each other, cut at byte %d',
    async (at) => {
      const { all, arrive, written } = connection();
      const whole = GET + POST + CHUNKED;
      arrive(whole.slice(0, at));
      if (at < whole.length) arrive(whole.slice(at));
      await turn();
      expect(all.map(({ head, body, end }) => [head.method, head.target, body, end])).toEqual([
        ['GET', '/next', '', ''],
        ['POST', '/r', 'hello', ''],
        ['POST', '/s', 'hello 0123456789', '\r\nX-Error: E'],
      ]);
      expect(all[1]?.head.header('x-type')).toBe('Function.A');
      expect(written()).toBe(answerOf('') + answerOf('hello') + answerOf('hello 0123456789'));
    },
  );

  it('reads every byte alone', async () => {
    const { arrive, written } = connection();
    for (const byte of CHUNKED) arrive(byte);
    await turn();
    expect(written()).toBe(answerOf('hello 0123456789'));
  });

  it('answers in the order of the requests, whatever the order of the answers', async () => {
    const { all, arrive, written } = connection(() => undefined);
    arrive(GET + GET + POST);
    const [first, second, third] = all.map(({ reply }) => reply) as [HttpReply, HttpReply, HttpReply];
    respond(third, 'c');
    respond(second, 'b');
    await turn();
    expect(written()).toBe('');
    respond(first, 'a');
    respond(first, 'again');
    await turn();
    expect(written()).toBe(answerOf('a') + answerOf('b') + answerOf('c'));
  });

  it('writes in one piece what one turn answers', async () => {
    const { socket, all, arrive } = connection(() => undefined);
    let writes = 0;
    socket.write = (() => ++writes > 0) as typeof socket.write;
    arrive(GET.repeat(50));
    for (const { reply } of all) respond(reply);
    await turn();
    expect(writes).toBe(1);
  });

  it.each(['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n'])(
    'ends after the last request: %j',
    async (request) => {
      const { socket, all, arrive, written } = connection();
      arrive(request + GET);
      await turn();
      expect(all).toHaveLength(1);
      expect(written()).toContain('Connection: close\r\n');
      expect(socket.writableEnded).toBe(true);
    },
  );

  it('says that it takes a body that waits for that', async () => {
    const { all, arrive, written } = connection();
    arrive('POST /r HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    expect(written()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    arrive('ab');
    expect(all[0]?.body).toBe('ab');
  });

  it('tells who waits for a body, or with an answer, that it closed', () => {
    const { socket, all, arrive } = connection(() => undefined);
    arrive(`${GET}POST /r HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe`);
    let left = 0;
    for (const { reply } of all)
      reply.onClose = () => {
        left++;
      };
    socket.emit('close');
    expect(all.map(({ isBroken }) => isBroken)).toEqual([false, true]);
    expect(left).toBe(2);
    for (const { reply } of all) respond(reply);
  });

  it.each([
    'GET\r\n\r\n',
    'GET / HTTP/2\r\n\r\n',
    'GET / HTTP/1.1 more\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`,
    GET.repeat(2_001),
  ])('is cut when it brings what is no request: %#', (request) => {
    const { socket, arrive } = connection(() => undefined);
    arrive(request);
    expect(socket.destroyed).toBe(true);
  });
});
