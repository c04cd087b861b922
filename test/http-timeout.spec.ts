import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import type { CallHandler } from '../apps/ingress-http/src/call-handler.js';
import { createHttpServer } from '../apps/ingress-http/src/http-listener.js';
import { closeAll, later } from './fixtures/later.js';
import { rawHttp } from './fixtures/raw-http.js';

afterEach(closeAll);

// Node's own check comes after a minute at the soonest; here the server is told what that check would tell it.
it('a request that does not become whole in time is 408', async () => {
  const server = createHttpServer({} as CallHandler, () => undefined, []);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => server.close());
  server.on('connection', (socket: Socket) =>
    socket.once('data', () =>
      setImmediate(() => {
        const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        server.emit('clientError', error, socket);
      }),
    ),
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await rawHttp(url, 'GET /slow HTTP/1.1\r\nHost: x\r\nX-Half');
  expect([answer.status, answer.headers['content-type'], answer.headers.connection]).toEqual([
    408,
    'application/problem+json',
    'close',
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'request-timeout', retry: 'later' });
});
