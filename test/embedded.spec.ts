import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from './fixtures/service-process.js';
import { callsOf, countSqs, publishMqtt, sendSqs, sqsClient, withNats } from './fixtures/sources.js';
import { until } from './fixtures/until.js';

const READY = 'Ctrl-C stops everything.';
const FREE_PORTS = {
  MESH_HTTP_PORT: '0',
  MESH_REGISTRY_PORT: '0',
  MESH_NATS_PORT: '0',
  MESH_MQTT_PORT: '0',
  MESH_AWS_PORT: '0',
};

interface MeshFile {
  pid: number;
  http: string;
  registry: string;
  nats: string;
  mqtt: string;
  aws: string;
  queue: string;
  database: string;
  token: string;
}

const startEmbedded = (dataDir: string, environment: Record<string, string> = {}) =>
  new ServiceProcess('embedded', { ...FREE_PORTS, MESH_DATA_DIR: dataDir, ...environment });
const meshFile = (dataDir: string): MeshFile => JSON.parse(readFileSync(join(dataDir, 'mesh.json'), 'utf8'));

/** Processes whose command line names the folder. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.includes(folder));
}

/** Of nats-server, Postgres and the emulator, as each one's own record says. */
const serverPids = (folder: string): number[] =>
  ['nats', 'postgres', 'aws'].map(
    (server) => JSON.parse(readFileSync(join(folder, server, 'server.json'), 'utf8')).child.pid,
  );
/** A process that ended and that nobody waited for is still listed, without a command line. */
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'mesh-embedded-'));
});
afterAll(async () => {
  await ServiceProcess.endAll();
  await rm(dataDir, { recursive: true, force: true });
});

describe('the embedded mesh', () => {
  let mesh: ServiceProcess;
  let urls: MeshFile;
  beforeAll(async () => {
    mesh = startEmbedded(dataDir);
    await mesh.printed(READY);
    urls = meshFile(dataDir);
  }, 120_000);
  afterAll(async () => {
    await mesh.end('SIGINT');
  });

  it('answers a REST client with a row from Postgres', async () => {
    const answer = await fetch(`${urls.http}/users/find?id=42`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('mesh-version')).toBe('0.0.1');
    expect(await answer.json()).toMatchObject({ id: 42, email: 'user42@example.org' });
  });

  it('passes on that the handler said no, in its own words', async () => {
    const answer = await fetch(`${urls.http}/users/find`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toBe('{"error":"Missing ?id="}');
  });

  it('refuses an unknown path and a body that is too large', async () => {
    const unknown = await fetch(`${urls.http}/nobody/here`);
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get('content-type')).toBe('application/problem+json');
    const large = await fetch(`${urls.http}/users/find`, { method: 'POST', body: Buffer.alloc(9_000_000) });
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ code: 'payload-too-large' });
  });

  it('answers a plain NATS client, whatever it sends', async () => {
    await withNats(urls.nats, async (nc) => {
      for (const body of ['{"id":"42"}', '{"id":42}']) {
        const reply = await nc.request('mesh.call.users.find', body, { timeout: 5_000 });
        expect(reply.json()).toMatchObject({ id: 42 });
        expect(reply.headers?.get('mesh-status')).toBe('200');
      }
      const nothing = await nc.request('mesh.call.users.find', '', { timeout: 5_000 });
      expect(nothing.headers?.get('Nats-Service-Error-Code')).toBe('400');
    });
  });

  it('is found by NATS micro-service discovery, with every handler and its version', async () => {
    await withNats(urls.nats, async (nc) => {
      const info = (await nc.request('$SRV.INFO.mesh-executor', '', { timeout: 2_000 })).json<{
        type: string;
        endpoints: { name: string; subject: string; metadata: Record<string, string> }[];
      }>();
      expect(info.type).toBe('io.nats.micro.v1.info_response');
      const found = info.endpoints.find(({ subject }) => subject === 'mesh.call.users.find');
      expect(found?.metadata).toMatchObject({ path: 'users/find', version: '0.0.1' });
    });
  });

  it('runs the handler once for an MQTT device', async () => {
    const before = await callsOf(urls.nats, 'users/find');
    await publishMqtt(urls.mqtt, 'users/find', '{"id":"7"}');
    await until(async () => (await callsOf(urls.nats, 'users/find')) > before);
    // A second run would come from a redelivery: the device's next message is handled after it.
    await publishMqtt(urls.mqtt, 'users/greet', '{"id":"7"}');
    await until(async () => (await callsOf(urls.nats, 'users/greet')) > 0);
    // users/greet calls users/find itself.
    expect(await callsOf(urls.nats, 'users/find')).toBe(before + 2);
  });

  it('runs the handler once for an SQS producer, and deletes the message', async () => {
    const client = sqsClient(urls.aws);
    const before = await callsOf(urls.nats, 'users/find');
    await sendSqs(client, urls.queue, 'users/find', '{"id":"7"}');
    await until(async () => (await callsOf(urls.nats, 'users/find')) > before);
    await until(async () => (await countSqs(client, urls.queue)) === 0);
    expect(await callsOf(urls.nats, 'users/find')).toBe(before + 1);
    client.destroy();
  });

  it('lists the live handlers for people and for programs', async () => {
    const document = (await (await fetch(`${urls.http}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/users/find', '/users/greet']));
    expect((await fetch(`${urls.http}/docs`)).headers.get('content-type')).toContain('text/html');
    expect(await (await fetch(`${urls.http}/metrics`)).text()).toContain(
      'mesh_http_request_duration_seconds',
    );
    expect(await (await fetch(`${urls.http}/health/ready`)).json()).toMatchObject({ status: 'ready' });
  });

  it('shows its registry to who has the token, and to nobody else', async () => {
    const url = `${urls.registry}/v1/handlers/users%2Ffind/versions`;
    expect((await fetch(url)).status).toBe(401);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${urls.token}` } });
    expect(await answer.json()).toMatchObject({ items: [{ version: '0.0.1' }], next: null });
  });

  it('refuses a second mesh on the same port, naming port and variable', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await until(async () => taken.listening);
    const { port } = taken.address() as { port: number };
    const other = startEmbedded(join(dataDir, 'other'), { MESH_HTTP_PORT: String(port) });
    await expect(other.printed(READY)).rejects.toThrow(`Port ${port}`);
    expect(other.output).toContain('MESH_HTTP_PORT');
    taken.close();
  });
});

describe('starting and stopping', () => {
  it('starts again with its data, and leaves no process after SIGINT', async () => {
    const mesh = startEmbedded(dataDir);
    await mesh.printed(READY);
    const { http } = meshFile(dataDir);
    expect((await fetch(`${http}/users/find?id=1000`)).status).toBe(200);
    const servers = serverPids(dataDir);
    expect(await mesh.end('SIGINT')).toBe(0);
    expect(servers.filter(isAlive)).toEqual([]);
    expect(await processesIn(dataDir)).toEqual([]);
    await expect(fetch(http)).rejects.toThrow();
    expect(() => meshFile(dataDir)).toThrow();
  }, 60_000);

  it('ends at the next start what a killed one left behind', async () => {
    const killed = startEmbedded(dataDir);
    await killed.printed(READY);
    const servers = serverPids(dataDir);
    await killed.end('SIGKILL');
    // Detached from the killed one, so still there; the emulator may have ended with its pipe.
    expect(servers.filter(isAlive)).toEqual(expect.arrayContaining([servers[0], servers[1]]));
    const next = startEmbedded(dataDir);
    await next.printed(READY);
    expect(servers.filter(isAlive)).toEqual([]);
    expect((await fetch(`${meshFile(dataDir).http}/users/find?id=1`)).status).toBe(200);
    expect(await next.end('SIGINT')).toBe(0);
    expect(await processesIn(dataDir)).toEqual([]);
  }, 60_000);
});
