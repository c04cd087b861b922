import { afterEach, describe, expect, it } from '@jest/globals';
import type { ManifestInput } from '#contracts';
import { closeAll } from './fixtures/later.js';
import { type Catalogue, catalogue, type Environment, ingress } from './fixtures/mesh.js';
import { streams, Worker } from './http-async.fixture.js';

/* Asynchronous HTTP: accepted means that the stream has it, and what became of it is told for as long as was said. */

afterEach(closeAll);

const NOTHING = 'export default () => null';
const USERS: ManifestInput = { path: 'users/find', version: '1.0.0' };

interface World extends Catalogue {
  readonly url: string;
}

async function world(manifests: ManifestInput[] = [USERS], environment: Environment = {}): Promise<World> {
  const of = await catalogue({ open: true });
  await streams(of);
  for (const manifest of manifests) await of.publish(manifest, NOTHING);
  return { ...of, url: (await ingress(of, environment)).url };
}

const respondAsync = (url: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(url, { method: 'POST', ...init, headers: { prefer: 'respond-async', ...headers } });

interface View {
  readonly id: string;
  readonly status: string;
  readonly location: string;
  readonly expires: string;
  readonly attempts?: number;
  readonly result?: { readonly status: number; readonly body: unknown; readonly encoding: string };
}
const viewOf = (response: Response) => response.json() as Promise<View>;

describe('a caller who does not wait', () => {
  it('gets 202 once the stream has it, and finds the result where it was told', async () => {
    const { url, ...of } = await world();
    const accepted = await respondAsync(
      `${url}/users/find?id=42`,
      { 'content-type': 'application/json' },
      { body: '{"a":1}' },
    );
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('preference-applied')).toBe('respond-async');
    const view = await viewOf(accepted);
    expect(accepted.headers.get('location')).toBe(`/invocations/${view.id}`);
    expect(view).toEqual({
      id: accepted.headers.get('mesh-id'),
      status: 'waiting',
      location: `/invocations/${view.id}`,
      expires: expect.stringMatching(/^20.*Z$/),
    });
    const waiting = await fetch(url + view.location);
    expect([waiting.status, waiting.headers.get('retry-after')]).toEqual([200, '1']);
    expect((await viewOf(waiting)).status).toBe('waiting');

    const worker = await Worker.on(of, () => ({
      status: 201,
      contentType: 'application/json',
      text: '{"b":2}',
    }));
    const done = await fetch(url + view.location, { headers: { prefer: 'wait=10' } });
    expect(done.headers.get('preference-applied')).toBe('wait=10');
    expect(await viewOf(done)).toMatchObject({
      status: 'done',
      attempts: 1,
      result: { outcome: 'ok', status: 201, encoding: 'json', body: { b: 2 } },
    });
    expect(worker.seen).toMatchObject([
      { path: 'users/find', body: '{"a":1}', work: { id: view.id, keep: true } },
    ]);
    const result = await fetch(`${url}${view.location}/result`);
    expect([result.status, await result.text()]).toEqual([201, '{"b":2}']);
  });
});
