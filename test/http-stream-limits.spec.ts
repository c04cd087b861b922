import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import type { MeshError } from '#contracts';
import { StreamAnswers } from '../apps/ingress-http/src/stream-answer.js';
import { streamBody } from '../apps/ingress-http/src/stream-body.js';
import { closeAll, later } from './fixtures/later.js';

/* What the HTTP ingress waits for in a stream, and for how long: over real connections, with shorter times. */

afterEach(closeAll);

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

async function server(serve: Serve): Promise<string> {
  const made = createServer(serve).listen(0, '127.0.0.1');
  await once(made, 'listening');
  later(() => {
    made.close();
    made.closeAllConnections();
  });
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** A stream that goes on until nobody takes it, and the code with which its writing ended. */
async function endless(answers: StreamAnswers, size: number) {
  const ended = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  let isOver = false;
  async function* rest() {
    try {
      for (;;) {
        yield Buffer.alloc(size);
        begun.resolve();
        if (size < 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      isOver = true;
    }
  }
  const url = await server((asked, response) => {
    const answer = { status: 200, headers: [], body: Buffer.alloc(0), rest: rest() };
    answers.write(asked, response, answer).catch((error: MeshError) => ended.resolve(error.code));
  });
  const asked = request(url, { agent: false });
  later(() => asked.destroy());
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await begun.promise;
  return { response, ended: ended.promise, isOver: () => isOver };
}

it('an answer that does not end is cut when the ingress does, and not whole', async () => {
  const answers = new StreamAnswers();
  const { response, ended, isOver } = await endless(answers, 10);
  const broken = once(response.resume(), 'error');
  answers.cut();
  expect(await ended).toBe('shutting-down');
  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
  expect([response.complete, isOver()]).toEqual([false, true]);
});

it('a client that takes nothing is cut off, and its handler ends', async () => {
  const { response, ended, isOver } = await endless(new StreamAnswers(300), 256 * 1024);
  response.on('error', () => undefined);
  expect(await ended).toBe('client-gone');
  expect(isOver()).toBe(true);
});

it('one for which there is nothing is not', async () => {
  const answers = new StreamAnswers(50);
  const more = Promise.withResolvers<void>();
  async function* rest() {
    yield Buffer.from('one ');
    await more.promise;
    yield Buffer.from('two');
  }
  const url = await server((asked, response) => {
    // The time-out of the connection has passed: only now does the handler go on.
    response.once('timeout', () => more.resolve());
    void answers.write(asked, response, { status: 200, headers: [], body: Buffer.alloc(0), rest: rest() });
  });
  expect(await (await fetch(url)).text()).toBe('one two');
});

it('a body whose client sends nothing any more is given up', async () => {
  const ended = Promise.withResolvers<string>();
  const url = await server(async (asked, response) => {
    try {
      for await (const _ of streamBody(asked, response, 1_000_000, 100));
    } catch (error) {
      ended.resolve((error as MeshError).code);
    }
  });
  const posted = request(url, { method: 'POST', headers: { 'content-length': 1_000 } });
  posted.on('error', () => undefined);
  later(() => posted.destroy());
  posted.write('half');
  expect(await ended.promise).toBe('request-timeout');
});
