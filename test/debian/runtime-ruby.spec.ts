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
    writeFileSync(
      join(throwing, 'handlers/users_find.rb'),
      "λ.| 'users/lose' do\n  raise ArgumentError, 'secret' if event.query[:id] == 'x'\n  context(FAIL, { no: event.source }, status: 409) if event.query.key?(:no)\n  { found: event.params }\nend\n",
    );
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

  it('reports what it raises, says no with a status, and returns values', async () => {
    const raised = await fetch(`${world.url}/users/lose?id=x`);
    expect(raised.status).toBe(500);
    expect(await raised.text()).not.toContain('secret');
    const refused = await fetch(`${world.url}/users/lose?no=1`);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({ no: 'http' });
    expect(await (await fetch(`${world.url}/users/lose`)).json()).toEqual({ found: {} });
  });
});
