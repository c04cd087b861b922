import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Route } from '#contracts';
import { closeAll, later, until } from './fixtures/later.js';
import { type Catalogue, catalogue, served } from './fixtures/mesh.js';
import { executorProcess, ingressProcess } from './fixtures/processes.js';
import type { ServiceProcess } from './fixtures/service-process.js';

/*
 * Streams from a handler to its client and back, through HTTP, NATS, executor and worker. Services are processes, as
 * deployed; needs `npm run build`.
 */

const MIB = 1024 * 1024;
/** What a process may grow by while a stream many times as large passes through it; how much it really is, the bench says. */
const GROWTH_BYTES = 192 * MIB;

const HANDLERS = {
  events: `export default () => ({
    statusCode: 200, headers: { 'content-type': 'text/event-stream' },
    body: (async function* () { for (let n = 1; n <= 3; n++) yield 'data: ' + n + '\\n\\n'; })(),
  })`,
  rows: 'export default async function* () { for (let n = 0; n < 1_000; n++) yield { n }; }',
  download: `export default (event) => (async function* () {
    const chunk = new Uint8Array(256 * 1024).fill(120);
    for (let sent = 0; sent < Number(event.query.bytes); sent += chunk.length) yield chunk;
  })()`,
  upload: `export default async (event) => {
    let size = 0;
    for await (const chunk of event.stream) size += chunk.length;
    return { size };
  }`,
  whole: 'export default (event) => ({ size: event.raw.length })',
  echo: `export default (event) => (async function* () { for await (const chunk of event.stream) yield chunk; })()`,
  // One number as soon as it is asked, then nothing; what became of earlier runs is told to who asks.
  forever: `const seen = [];
  export default (event, context) => {
    if (event.query.ask) return seen;
    context.signal.addEventListener('abort', () => seen.push('aborted: ' + context.signal.reason?.message));
    return (async function* () {
      try { yield 'first'; for (;;) { await new Promise((r) => setTimeout(r, 20)); yield 'more'; } }
      finally { seen.push('returned'); }
    })();
  }`,
  broken: `export default (event) => event.query.ask ? 'here' : (async function* () {
    yield 'half';
    await new Promise((r) => setTimeout(r, 50));
    throw new Error('no more');
  })()`,
  late: `export default (event) => event.query.ask ? 'here' : (async function* () { yield 'half'; await new Promise(() => {}); })()`,
};

interface World {
  readonly url: string;
  readonly pids: Record<string, number>;
  readonly of: Catalogue;
}

/** Every handler above, behind one executor and one ingress. */
async function world(isolation: string): Promise<World & { executor: ServiceProcess }> {
  const of = await catalogue();
  const routes: Route[] = [];
  for (const [path, code] of Object.entries(HANDLERS)) {
    const streams = ['upload', 'echo'].includes(path) ? { body: 'stream' as const } : {};
    const payloadBytes = path === 'whole' ? { payloadBytes: 24 * MIB } : {};
    const limits = { timeoutMs: path === 'late' ? 3_000 : 60_000, ...payloadBytes };
    routes.push(await of.publish({ path, version: '1.0.0', limits, ...streams }, code));
  }
  // Whoever is to stop does: one that gets no processor for long is not for that taken for blocked.
  const executor = executorProcess(of, { MESH_ISOLATION: isolation, MESH_GRACE: '2000' });
  for (const route of routes.slice(-1)) await served(of, route);
  const { url, service } = await ingressProcess(of, { MESH_MAX_BODY: String(128 * MIB) });
  return { of, url, executor, pids: { nats: of.nats.pid, executor: executor.pid, ingress: service.pid } };
}

const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;

/** Bytes by which each process was larger at most while `work` went on. */
async function growthDuring({ pids }: World, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const names = Object.keys(pids);
  const sizes = () => names.map((name) => memoryOf(pids[name] as number));
  const before = sizes();
  let most = before;
  const timer = setInterval(() => {
    most = sizes().map((size, i) => Math.max(size, most[i] as number));
  }, 50);
  await work().finally(() => clearInterval(timer));
  return Object.fromEntries(names.map((name, i) => [name, (most[i] as number) - (before[i] as number)]));
}

async function sizeOf(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let size = 0;
  for await (const chunk of body ?? []) size += chunk.length;
  return size;
}

/** So many bytes, made as they are asked for. */
function content(bytes: number): ReadableStream {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const chunks = (function* () {
    for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
  })();
  return Readable.toWeb(Readable.from(chunks)) as ReadableStream;
}

const post = (url: string, bytes: number): Promise<Response> =>
  fetch(url, { method: 'POST', body: content(bytes), duplex: 'half' } as RequestInit);

/** Reads until the first chunk; the rest is for the scenario. */
async function begun(url: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const asked = request(url, { agent: false }).on('error', reject);
  later(() => asked.destroy());
  asked.on('response', (response) => {
    response.on('error', () => undefined);
    response.once('data', () => resolve(response));
  });
  asked.end();
  return promise;
}

describe.each([
  ['thread', 200],
  ['process', 32],
])('streams of handlers in isolation %s', (isolation, size) => {
  let mesh: World;
  beforeAll(async () => {
    mesh = await world(isolation);
  });
  afterAll(closeAll);

  it('server-sent events arrive one by one', async () => {
    const answer = await fetch(`${mesh.url}/events`);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    expect(await answer.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  it('rows arrive as NDJSON', async () => {
    const answer = await fetch(`${mesh.url}/rows`);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const rows = (await answer.text()).trimEnd().split('\n');
    expect(rows).toHaveLength(1_000);
    expect(JSON.parse(rows[999] as string)).toEqual({ n: 999 });
  });

  it(`${size} MB go down, and half as many up, without anyone keeping them`, async () => {
    const down = await growthDuring(mesh, async () => {
      const { body } = await fetch(`${mesh.url}/download?bytes=${size * MIB}`);
      expect(await sizeOf(body)).toBe(size * MIB);
    });
    const up = await growthDuring(mesh, async () => {
      const answer = await post(`${mesh.url}/upload`, (size / 2) * MIB);
      expect(await answer.json()).toEqual({ size: (size / 2) * MIB });
    });
    for (const [name, bytes] of [...Object.entries(down), ...Object.entries(up)])
      expect({ name, bytes, isBounded: bytes < GROWTH_BYTES }).toEqual({ name, bytes, isBounded: true });
  }, 60_000);

  it('a body goes back as it comes', async () => {
    const { body } = await post(`${mesh.url}/echo`, 10 * MIB);
    expect(await sizeOf(body)).toBe(10 * MIB);
  });

  it('a body is put together for a handler that says so, and is no larger than it says', async () => {
    const answers = [20, 25].map(async (size) => post(`${mesh.url}/whole`, size * MIB));
    const [taken, refused] = await Promise.all(answers);
    expect(await taken?.json()).toEqual({ size: 20 * MIB });
    expect(refused?.status).toBe(413);
  });

  it('a client that goes away ends its handler', async () => {
    (await begun(`${mesh.url}/forever`)).destroy();
    const seen = async () => (await (await fetch(`${mesh.url}/forever?ask=1`)).json()) as string[];
    const all = await until(seen, ({ length }) => length >= 2);
    expect(all.toSorted()).toEqual(['aborted: the caller went away', 'returned']);
  });

  it.each(['broken', 'late'])('what breaks off is never taken for whole: %s', async (path) => {
    // Started before its deadline counts.
    const asked = async () => (await fetch(`${mesh.url}/${path}?ask=1`)).text();
    await until(asked, (text) => text === 'here');
    const answer = await fetch(`${mesh.url}/${path}`);
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
  });
});

describe('when the executor is killed', () => {
  afterAll(closeAll);

  it('an answer on its way is cut, and a body on its way is refused', async () => {
    const { url, executor } = await world('thread');
    const answer = await fetch(`${url}/forever`);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const uploading = request(`${url}/upload`, { method: 'POST', headers: { 'content-length': 100 * MIB } });
    later(() => uploading.destroy());
    const refused = new Promise<IncomingMessage>((resolve) => uploading.once('response', resolve));
    uploading.write(Buffer.alloc(16 * MIB));
    await new Promise((resolve) => uploading.once('drain', resolve));
    await executor.end('SIGKILL');
    const rest = (async () => {
      while (!(await reader.read()).done);
    })();
    await expect(rest).rejects.toThrow('terminated');
    expect((await refused).statusCode).toBe(502);
  }, 60_000);
});
