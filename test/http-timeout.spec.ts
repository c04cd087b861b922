import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import type { CallHandler } from '../apps/ingress-http/src/call-handler.js';
import { createHttpServer } from '../apps/ingress-http/src/http-listener.js';
import { closeAll, later } from './fixtures/later.js';
import { rawHttp } from './fixtures/raw-http.js';

afterEach(closeAll);

// Node's own check comes after a minute at the soonest; here the server is told what that check would tell it.
const settings = { corsOrigins: [], keepAlive: 75 };

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// What is in front of it closes its idle connections after 60 s; who closes last loses no request.
it('an idle connection is kept for as long as was set, and clients are told', async () => {
  const server = createHttpServer({} as CallHandler, (_request, response) => response.end('well'), settings);
  const answer = await rawHttp(
    await listening(server),
    'GET /health HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n',
  );
  expect([answer.status, answer.headers['keep-alive']]).toEqual([200, 'timeout=75']);
});

it('a request that does not become whole in time is 408', async () => {
  const server = createHttpServer({} as CallHandler, () => undefined, settings);
  const url = await listening(server);
  server.on('connection', (socket: Socket) =>
    socket.once('data', () =>
      setImmediate(() => {
        const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        server.emit('clientError', error, socket);
      }),
    ),
  );
  const answer = await rawHttp(url, 'GET /slow HTTP/1.1\r\nHost: x\r\nX-Half');
  expect([answer.status, answer.headers['content-type'], answer.headers.connection]).toEqual([
    408,
    'application/problem+json',
    'close',
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'request-timeout', retry: 'later' });
});
