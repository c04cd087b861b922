import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll } from './fixtures/later.js';
import { catalogue, ingress } from './fixtures/mesh.js';
import { between, pickFrom, randomFrom } from './fixtures/random.js';
import { rawHttp } from './fixtures/raw-http.js';
import { streams } from './http-async.fixture.js';

/* Whatever stands in the headers of an asynchronous call, it is accepted or the caller's fault, and the mesh goes on. */

const REQUESTS = 400;
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

let url: string;
beforeAll(async () => {
  const of = await catalogue({ open: true });
  await streams(of);
  await of.publish({ path: 'users/find', version: '1.0.0' }, 'export default () => null');
  const allowed = { MESH_CALLBACK_ALLOW: '*.example.org,10.0.0.0/8', MESH_CALLBACK_SECRET: 's' };
  ({ url } = await ingress(of, allowed));
});
afterAll(closeAll);

const NAMES = [
  'prefer',
  'idempotency-key',
  'mesh-delay',
  'mesh-at',
  'mesh-expires',
  'mesh-callback',
  'mesh-version',
  'Nats-Msg-Id',
  'Nats-TTL',
  'mesh-reply',
];
const PARTS = [
  'respond-async',
  'wait=1',
  '"',
  '\\',
  ',',
  ';',
  '=',
  ' ',
  '\t',
  '%00',
  '%0d%0a',
  '\xff',
  '\xc3\xbc',
  '1',
  '-1',
  '1e9',
  '0x10',
  'NaN',
  '2030-01-31T12:00:00Z',
  '9999-12-31T23:59:60Z',
  'https://',
  'http://10.0.0.1',
  'a.example.org',
  '[::1]',
  '@',
  '/',
  '..',
  '{"a":1}',
  '__proto__',
  'x'.repeat(300),
  '>',
  '*',
  '$KV.',
];

describe(`headers of an asynchronous call (FUZZ_SEED=${seed})`, () => {
  it('never make an error of the mesh', async () => {
    const random = randomFrom(seed);
    const seen = new Set<number>();
    for (let i = 0; i < REQUESTS; i++) {
      const lines = Array.from({ length: between(random, 1, 4) }, () => {
        const parts = Array.from({ length: between(random, 1, 4) }, () => pickFrom(random, PARTS));
        return `${pickFrom(random, NAMES)}: ${parts.join('')}`;
      });
      const text = [
        'POST /users/find HTTP/1.1',
        'Host: x',
        'Prefer: respond-async',
        'Content-Length: 0',
        ...lines,
      ];
      const { status } = await rawHttp(url, `${text.join('\r\n')}\r\n\r\n`);
      expect([lines, status < 500]).toEqual([lines, true]);
      seen.add(status);
    }
    expect(seen).toContain(202);
    expect(seen).toContain(400);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  }, 60_000);
});
