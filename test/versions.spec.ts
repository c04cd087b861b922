import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { artifactOf } from './fixtures/artifact.js';
import { ServiceProcess } from './fixtures/service-process.js';
import { until } from './fixtures/until.js';

/*
 * Versions at run time, on a whole mesh: what is published, routed and rolled back while callers call. The probe
 * answers with the version that its own code was made for.
 */

const SECONDS = Number(process.env.MESH_SOAK_SECONDS ?? 12);
const PER_SECOND = 300;
const PATH = 'probe/version';
const API = `/v1/handlers/${encodeURIComponent(PATH)}`;

let dataDir: string;
let mesh: ServiceProcess;
let urls: { http: string; registry: string; token: string; pid: number };

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'mesh-versions-'));
  const ports = Object.fromEntries(
    ['HTTP', 'REGISTRY', 'NATS', 'MQTT', 'AWS'].map((name) => [`MESH_${name}_PORT`, '0']),
  );
  // No thread that is started ahead among those that are counted.
  const environment = { ...ports, MESH_DATA_DIR: dataDir, MESH_SPARE_THREADS: '0' };
  mesh = new ServiceProcess('embedded', environment);
  await mesh.printed('Ctrl-C stops everything.');
  urls = JSON.parse(readFileSync(join(dataDir, 'mesh.json'), 'utf8'));
}, 120_000);

afterAll(async () => {
  await mesh.end('SIGINT');
  await rm(dataDir, { recursive: true, force: true });
});

async function registry(method: string, path: string, body?: object | Buffer): Promise<void> {
  const isArtifact = Buffer.isBuffer(body);
  const answer = await fetch(`${urls.registry}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${urls.token}`,
      'content-type': isArtifact ? 'application/vnd.lambda-mesh.artifact+gzip' : 'application/json',
    },
    ...(body === undefined ? {} : { body: isArtifact ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

async function publish(version: string): Promise<void> {
  const artifact = await artifactOf({ path: PATH, version }, `export const handle = () => '${version}';`);
  await registry('POST', `${API}/versions`, artifact);
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
afterAll(() => agent.destroy());

/** The version that answered; anything that is not one whole answer of one version is an error. */
function probe(path = `/${PATH}`, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${urls.http}${path}`, { agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const stated = response.headers['mesh-version'];
        if (response.statusCode === 200 && body === stated) resolve(body);
        else reject(new Error(`${response.statusCode} of ${stated}: ${body}`));
      });
    })
      .on('error', reject)
      .end();
  });
}

const threads = async (): Promise<number> => (await readdir(`/proc/${urls.pid}/task`)).length;

describe('versions at run time', () => {
  it('change under load without one failed or mixed answer, and leave nothing behind', async () => {
    await publish('1.0.0');
    await until(async () => (await probe()) === '1.0.0');
    const threadsWithOne = await threads();

    const failures: string[] = [];
    const seen = new Set<string>();
    const calls: Promise<void>[] = [];
    const ask = () =>
      probe().then(
        (version) => void seen.add(version),
        (error: Error) => void failures.push(error.message),
      );
    const load = setInterval(() => {
      for (let i = 0; i < PER_SECOND / 50; i++) calls.push(ask());
    }, 20);
    const changes = [...Array(30).keys()];
    for (const change of changes) {
      if (change % 3 === 2) await registry('POST', `${API}/rollback`);
      else await publish(`1.${change + 1}.0`);
      await delay((SECONDS * 1000) / changes.length);
    }
    clearInterval(load);
    await Promise.all(calls);

    expect(failures).toEqual([]);
    expect(calls.length).toBeGreaterThan(SECONDS * PER_SECOND * 0.5);
    // Each of the 20 was live for a while.
    expect(seen.size).toBeGreaterThanOrEqual(20);
    await until(async () => (await threads()) <= threadsWithOne);
  }, 180_000);

  it('are shared by weight, and pinned by number, alias and key', async () => {
    await publish('2.0.0');
    await publish('3.0.0');
    await registry('PUT', `${API}/route`, {
      versions: [
        { version: '2.0.0', weight: 90 },
        { version: '3.0.0', weight: 10 },
      ],
    });
    await registry('PUT', `${API}/aliases/canary`, { version: '3.0.0' });
    await until(async () => (await probe(`/${PATH}@canary`)) === '3.0.0');

    const counts = { '2.0.0': 0, '3.0.0': 0 };
    const one = async () => {
      for (let i = 0; i < 20_000 / 50; i++) counts[(await probe()) as keyof typeof counts]++;
    };
    await Promise.all(Array.from({ length: 50 }, one));
    expect(counts['2.0.0'] + counts['3.0.0']).toBe(20_000);
    expect(Math.abs(counts['2.0.0'] / 20_000 - 0.9)).toBeLessThan(0.01);

    for (let i = 0; i < 100; i++) {
      expect(await probe(`/${PATH}@canary`)).toBe('3.0.0');
      expect(await probe(`/${PATH}@2.0.0`)).toBe('2.0.0');
      expect(await probe(undefined, { 'mesh-version': '3.0.0' })).toBe('3.0.0');
    }
    const sticky = () => probe(undefined, { 'mesh-sticky': 'customer-7' });
    const first = await sticky();
    for (let i = 0; i < 100; i++) expect(await sticky()).toBe(first);
  }, 120_000);
});
