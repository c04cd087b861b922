import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { HttpReply } from './http-answers.js';
import type { BodySink } from './http-body.js';
import { HttpConnection } from './http-connection.js';
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

  const EXPECTING = 'POST /r HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
  const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

  it('says that it takes a body that waits for that', async () => {
    const { arrive, written } = connection();
    arrive(EXPECTING);
    await turn();
    expect(written()).toBe(CONTINUE);
    arrive('ab');
    await turn();
    expect(written()).toBe(CONTINUE + answerOf('ab'));
  });

  it('says so behind the answer to what was asked before', async () => {
    const { all, arrive, written } = connection(() => undefined);
    arrive(GET + EXPECTING);
    await turn();
    expect(written()).toBe('');
    respond(all[0]?.reply as HttpReply, 'a');
    await turn();
    expect(written()).toBe(answerOf('a') + CONTINUE);
  });

  it('passes over empty lines between requests, and takes a target as a proxy gets it', async () => {
    const { all, arrive } = connection();
    for (const byte of `\r\n${POST}\r\n\r\nGET http://127.0.0.1:1/next?a=http://b HTTP/1.1\r\n\r\n`)
      arrive(byte);
    expect(all.map(({ head }) => head.target)).toEqual(['/r', '/next?a=http://b']);
  });

  it('takes headers and trailers of a megabyte', async () => {
    const { all, arrive } = connection();
    const long = `X-Cause: ${'x'.repeat(1024 * 1024)}\r\n`;
    const text = `${CHUNKED.replace('Transfer', `${long}Transfer`).slice(0, -2)}${long}\r\n`;
    for (let at = 0; at < text.length; at += 60_000) arrive(text.slice(at, at + 60_000));
    expect(all[0]?.head.header('x-cause')).toHaveLength(1024 * 1024);
    expect(all[0]?.end).toHaveLength(long.length + '\r\nX-Error: E'.length);
  });

  it('takes no more requests from one who reads no answers, until he has', async () => {
    const { socket, arrive } = connection();
    const unread = (bytes: number) =>
      Object.defineProperty(socket, 'writableLength', { get: () => bytes, configurable: true });
    unread(300_000);
    arrive(GET);
    await turn();
    expect(socket.isPaused()).toBe(true);
    unread(0);
    socket.emit('drain');
    expect(socket.isPaused()).toBe(false);
  });

  it('stays paused until both who gets a body and who reads the answers can go on', async () => {
    const { socket, all, arrive } = connection();
    arrive(GET);
    all[0]?.reply.pause();
    socket.emit('drain');
    expect(socket.isPaused()).toBe(true);
    all[0]?.reply.resume();
    expect(socket.isPaused()).toBe(false);
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

  const POSTED = (fields: string, body = '') => `POST / HTTP/1.1\r\n${fields}\r\n\r\n${body}`;
  const IN_CHUNKS = (body: string) => POSTED('Transfer-Encoding: chunked', body);
  const LONG = 'x'.repeat(1_200_000);

  it.each([
    [400, 'GET\r\n\r\n'],
    [400, 'GET / HTTP/2\r\n\r\n'],
    [400, 'GET / HTTP/1.1 more\r\n\r\n'],
    [400, POSTED('Content-Length: -1')],
    [400, POSTED('Content-Length: x')],
    [400, POSTED('Content-Length:')],
    [400, POSTED('Content-Length: 0x3', 'abc')],
    [400, POSTED('Content-Length: 1e0', 'a')],
    [400, POSTED('Content-Length: 99999999999999999999')],
    [400, POSTED('Content-Length: 5\r\ncontent-length: 3', 'abcde')],
    [400, POSTED('Content-Length: 3\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n')],
    [400, POSTED('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n')],
    [400, POSTED('Transfer-Encoding: gzip, chunked', '3\r\nabc\r\n0\r\n\r\n')],
    [400, POSTED('Transfer-Encoding: identity', 'abc')],
    [400, IN_CHUNKS('xyz\r\n')],
    [400, IN_CHUNKS('FFFFFFFFF\r\n')],
    [400, IN_CHUNKS('4\r\ngrüß\r\n0\r\n\r\n')],
    [431, `GET / HTTP/1.1\r\nX: ${LONG}`],
    [431, `GET / HTTP/1.1\r\nX: ${LONG}\r\n\r\n`],
    [431, IN_CHUNKS(`0\r\nX: ${LONG}`)],
    [431, IN_CHUNKS(`0\r\n${`X: ${'x'.repeat(10_000)}\r\n`.repeat(130)}`)],
  ])('answers %d to what is no request, and nothing behind it: %#', async (status, request) => {
    const { socket, all, arrive, written } = connection();
    arrive(POST + request + GET);
    arrive(GET);
    await turn();
    expect(written().slice(0, answerOf('hello').length)).toBe(answerOf('hello'));
    const rest = written().slice(answerOf('hello').length);
    expect(rest).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*Connection: close\r\n\r\n.+\n$`));
    expect(rest.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(socket.writableEnded).toBe(true);
    expect(all.slice(1).map(({ end, isBroken }) => [end, isBroken])).toEqual(
      all[1] ? [[undefined, true]] : [],
    );
  });

  it('takes 2,000 requests that wait, and refuses the next one', async () => {
    const { all, arrive, socket, written } = connection(() => undefined);
    arrive(GET.repeat(2_003));
    for (const { reply } of all) respond(reply);
    await turn();
    expect(all).toHaveLength(2_000);
    expect(
      written()
        .split('HTTP/1.1 ')
        .slice(2_000)
        .map((answer) => answer.slice(0, 3)),
    ).toEqual(['200', '400']);
    expect(socket.writableEnded).toBe(true);
  });
});
