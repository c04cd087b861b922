import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plainClient } from './fixtures/fabric.js';
import { HOSTILE, type Hostile, request } from './fixtures/hostile-requests.js';
import { closeAll } from './fixtures/later.js';
import { type Catalogue, type Mesh, mesh } from './fixtures/mesh.js';
import { between, pickFrom, randomFrom, textOf } from './fixtures/random.js';
import { type RawAnswer, rawHttp } from './fixtures/raw-http.js';

/*
 * Requests that no honest client sends, written as bytes. Each gets a 4xx with problem+json; nothing but the subjects of
 * live paths is ever published; nothing of the inside leaves; and the mesh answers afterwards as before.
 */

let world: Mesh;
const subjects = new Set<string>();
beforeAll(async () => {
  const prepare = async ({ publish }: Catalogue) => {
    await publish({ path: 'users/find', version: '1.0.0' }, 'export default (e) => e.query');
    await publish(
      {
        path: 'items/get',
        version: '1.0.0',
        triggers: [{ http: { method: ['GET', 'POST'], path: '/items/{id}' } }],
      },
      'export default (e) => e.params',
    );
  };
  world = await mesh(prepare, {}, { open: true });
  const listener = await plainClient(world.nats);
  listener.subscribe('>', { callback: (_, { subject }) => void subjects.add(subject) });
  await listener.flush();
  subjects.clear();
});
afterAll(closeAll);

/** Paths of files, stacks, and names of what the mesh is made of. */
const INSIDE =
  /\n\s*at |node:internal|node_modules|\/work\/|\/tmp\/|\/apps\/|\/libs\/|\.[tj]s:\d|nats:\/\/|ECONN|Error:/;

/** What is wrong with an answer to a hostile request, if anything is. */
function faultOf(name: string, { status, headers, body }: RawAnswer): string | undefined {
  const fault = (what: string) => `${JSON.stringify(name)}: ${what}: ${status} ${body.slice(0, 200)}`;
  if (status < 400 || status > 499) return fault('no 4xx');
  if (headers['content-type'] !== 'application/problem+json') return fault('no problem+json');
  if (Number(headers['content-length']) !== body.length) return fault('another length');
  if (INSIDE.test(body)) return fault('says something of the inside');
  const problem: unknown = JSON.parse(body);
  const expected = {
    status,
    fault: 'caller',
    type: expect.stringMatching(/^urn:lambda-mesh:error:[a-z-]+$/),
  };
  try {
    expect(problem).toMatchObject(expected);
  } catch {
    return fault('not the problem that it should be');
  }
  return undefined;
}

async function faultsOf(requests: readonly Hostile[]): Promise<(string | undefined)[]> {
  const faults = requests.map(async ([name, bytes]) => faultOf(name, await rawHttp(world.url, bytes)));
  return (await Promise.all(faults)).filter((fault) => fault !== undefined);
}

const livesOn = async (): Promise<void> => {
  const response = await fetch(`${world.url}/users/find?id=42`);
  expect([response.status, await response.json()]).toEqual([200, { id: '42' }]);
};

/** Everything that was published outside the mesh's own housekeeping. */
const published = (): string[] =>
  [...subjects]
    .filter(
      (subject) => !/^(_INBOX\.|\$JS\.|\$KV\.mesh_routes\.|\$SRV\.|mesh\.audit\.invocations$)/.test(subject),
    )
    .sort();

describe('hostile requests', () => {
  it('are more than 500', () => expect(HOSTILE.length).toBeGreaterThanOrEqual(500));

  it('each get a 4xx with problem+json, and the next request is answered', async () => {
    const faults: unknown[] = [];
    for (const one of HOSTILE) faults.push(...(await faultsOf([one])));
    expect(faults).toEqual([]);
    await livesOn();
  });

  it('get the same when 50 come at once', async () => {
    const faults: unknown[] = [];
    for (let i = 0; i < HOSTILE.length; i += 50) faults.push(...(await faultsOf(HOSTILE.slice(i, i + 50))));
    expect(faults).toEqual([]);
    await livesOn();
  });

  it('never publish on any subject but those of the live paths', async () => {
    await livesOn();
    expect(published()).toEqual(
      ['mesh.call.items.get', 'mesh.call.users.find'].filter((s) => subjects.has(s)),
    );
    expect(subjects.has('mesh.call.users.find')).toBe(true);
  });

  it('that are random bytes get a 4xx, or nothing before they end', async () => {
    const random = randomFrom(99);
    const pieces = [
      'GET ',
      '/users/find',
      '/',
      ' HTTP/1.1',
      '\r\n',
      'Host: x',
      ': ',
      '\0',
      '\xff',
      '%',
      '*',
      '>',
      '?',
      'Content-Length: ',
      '5',
      '{',
      ' ',
    ];
    for (let i = 0; i < 300; i++) {
      const bytes = Array.from({ length: between(random, 1, 20) }, () =>
        random() < 0.8 ? pickFrom(random, pieces) : textOf(random, '\0\x01\x7f\x80\xff aZ', 3),
      ).join('');
      const { status, text } = await rawHttp(world.url, `${bytes}\r\n\r\n`, true);
      if (text !== '') expect(status === 200 || (status >= 400 && status < 500)).toBe(true);
      expect(text).not.toMatch(INSIDE);
    }
    await livesOn();
    expect(published().every((subject) => /^mesh\.call\.(users\.find|items\.get)$/.test(subject))).toBe(true);
  });

  it('that never end do not keep others from being served', async () => {
    const { connect } = await import('node:net');
    const { hostname, port } = new URL(world.url);
    const slow = Array.from({ length: 100 }, (_, i) => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.write(
        i % 2
          ? 'GET /users/find HTTP/1.1\r\nHost: x\r\nX-Slow: '
          : request('/users/find', 'Content-Length: 1000\r\n', '', 'POST'),
      );
      return socket;
    });
    await livesOn();
    for (const socket of slow) socket.destroy();
    await livesOn();
  });
});
