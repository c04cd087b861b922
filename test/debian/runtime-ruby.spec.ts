import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeAll, later, until } from '../fixtures/later.js';
import { type Mesh, mesh } from '../fixtures/mesh.js';
import { callsOf, publishMqtt } from '../fixtures/sources.js';
import { awsServer, Producer, ingress as sqsIngress } from '../fixtures/sqs.js';
import { bridgeOf, ingressTo, makeStreams, whenReady } from '../ingress-mqtt.fixture.js';

/*
 * The first seed's own example, `λ.| 'users/find' do … end`, with a gem that is packed along, called from HTTP, MQTT and
 * SQS. Needs Debian's ruby and ruby-hashie.
 */

/** Raises, also what a database or a file does; says no; tells where its gem is from; returns a value. */
const LOSE = `require 'hashie'
λ.| 'users/lose' do
  raise ArgumentError, 'secret' if event.query[:id] == 'x'
  File.read('/none/secret') if event.query[:id] == 'file'
  context(FAIL, { no: event.source }, status: 409) if event.query.key?(:no)
  context(OK, $LOADED_FEATURES.grep(%r{/hashie/}).map { |file| file.delete_prefix("#{Dir.pwd}/") }) if event.query.key?(:gems)
  { found: event.params }
end
`;

let world: Mesh;
let queue: Producer;

/** The example with its gem. */
function vendored(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-ruby-'));
  later(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('examples/runtimes/ruby', folder, { recursive: true });
  execFileSync('/usr/bin/ruby', [join(folder, 'vendor-gem'), 'hashie']);
  return folder;
}

beforeAll(async () => {
  const prepare = async (of: Parameters<Parameters<typeof mesh>[0]>[0]) => {
    await makeStreams(of.nats);
    await of.publishFolder(vendored());
    const throwing = vendored();
    writeFileSync(join(throwing, 'handlers/users_find.rb'), LOSE);
    writeFileSync(
      join(throwing, 'mesh.json'),
      JSON.stringify({ path: 'users/lose', version: '1.0.0', runtime: 'provided', event: 'mesh' }),
    );
    await of.publishFolder(throwing);
  };
  world = await mesh(prepare, {}, { mqttPort: 0 });
  await whenReady(await ingressTo(world.nats, world.nats.mqttUrl ?? '', bridgeOf(world.nats)));
  const aws = await awsServer();
  queue = new Producer(aws, await aws.createQueue('mesh'));
  await sqsIngress(world.nats, aws, queue.url);
}, 60_000);
afterAll(closeAll);

/** Resolves when the handler has been called once more, and no call of it failed. */
async function calledOnceMore(work: () => Promise<void>): Promise<void> {
  const before = await callsOf(world.nats.url, 'users/find');
  await work();
  await until(
    () => callsOf(world.nats.url, 'users/find'),
    (calls) => calls === before + 1,
    20_000,
  );
}

describe("λ.| 'users/find'", () => {
  it('answers a REST client', async () => {
    const response = await fetch(`${world.url}/users/find?id=42`);
    expect(response.status).toBe(200);
    expect(response.headers.get('mesh-version')).toBe('0.0.1');
    expect(await response.json()).toEqual({ id: 42, email: 'user42@example.org' });
  });

  it('says no in its own words', async () => {
    const response = await fetch(`${world.url}/users/find`);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe('{"error":"Missing ?id="}');
  });

  it(
    'runs for an MQTT device',
    () => calledOnceMore(() => publishMqtt(world.nats.mqttUrl ?? '', 'users/find', '{"id":"7"}')),
    30_000,
  );

  it('runs for an SQS producer, whose message is deleted', async () => {
    await calledOnceMore(() => queue.sendTo('users/find', '{"id":7}'));
    await queue.emptied();
  }, 30_000);

  it('loads its gem from what was packed along', async () => {
    const loaded = (await (await fetch(`${world.url}/users/lose?gems=1`)).json()) as string[];
    expect(loaded.length).toBeGreaterThan(1);
    expect(loaded.filter((file) => !file.startsWith('vendor/hashie/lib/'))).toEqual([]);
  });

  it.each(['x', 'file'])('reports what it raises, and goes on: %s', async (id) => {
    const raised = await fetch(`${world.url}/users/lose?id=${id}`);
    expect(raised.status).toBe(500);
    const problem = await raised.text();
    expect(problem).toContain('handler-error');
    expect(problem).not.toContain('secret');
    expect((await fetch(`${world.url}/users/lose`)).status).toBe(200);
  });

  it('says no with a status, and returns values', async () => {
    const refused = await fetch(`${world.url}/users/lose?no=1`);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({ no: 'http' });
    expect(await (await fetch(`${world.url}/users/lose`)).json()).toEqual({ found: {} });
  });
});
