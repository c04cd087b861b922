import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { AUDIT_STREAM, unpackInvocations } from '#contracts';
import { openAuditReader } from '#fabric';
import { plainClient } from './fixtures/fabric.js';
import { closeAll, until } from './fixtures/later.js';
import { type Catalogue, connectAs, type Mesh, mesh } from './fixtures/mesh.js';
import { streams } from './http-async.fixture.js';

/*
 * Answers and bodies in pieces, in every isolation: what the handler sees of its callers, and its callers of it, when
 * one of them is slow, goes away, breaks off or does not stop. Needs `npm run build`.
 */

/** A worker that gets no processor for that long would be taken for blocked. */
const GRACE_MS = 1_000;

const TICKS = `
const seen = ['born ' + Math.random()];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default (event, { signal }) => {
  const { ask, id, every = 20 } = event.query;
  if (ask) return seen;
  signal.addEventListener('abort', () => seen.push(id + ' aborted: ' + signal.reason.message));
  return { statusCode: 200, headers: { 'content-type': 'text/event-stream' }, body: (async function* () {
    try {
      for (let n = 1; ; n++) {
        yield 'data: ' + n + '\\n\\n';
        seen.push(id + ' gave ' + n);
        await sleep(Number(every));
      }
    } finally { seen.push(id + ' ended'); }
  })() };
};`;

const BREAKS = `
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default ({ query: { how } }) => (async function* () {
  yield 'first';
  await sleep(50);
  if (how === 'throws') throw new Error('secret');
  if (how === 'exits') process.exit(3);
  if (how === 'blocks') for (;;);
  if (how === 'bad') yield 1n;
  if (how === 'waits') await new Promise(() => {});
  yield 'last';
})();`;

const FAST = `
let given = 0;
export default ({ query: { ask, mb } }) => ask ? given : (async function* () {
  given = 0;
  const piece = Buffer.alloc(100_000);
  for (let at = 0; at < mb * 1e6; at += piece.length) {
    piece.fill(at / piece.length);
    given += piece.length;
    yield piece;
  }
})();`;

const TAKES = `
import { createHash } from 'node:crypto';
const seen = [];
export default async ({ query: { ask, how, most }, headers, stream, body, raw }, { signal }) => {
  if (ask) return seen;
  if (how === 'leaves') return 'enough';
  if (how === 'echoes') return stream;
  signal.addEventListener('abort', () => seen.push('aborted: ' + signal.reason.message));
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of stream) { size += piece.length; hash.update(piece); seen.push('took'); if (most && size > most) return 'stopped'; }
  } catch (error) { seen.push('broke: ' + error.code); throw error; }
  return { size, hash: hash.digest('hex'), body, raw };
};`;

const NESTED = `
export default async (event, context) => {
  if (event.query.collects) return context.call('breaks', undefined).then((text) => ({ text }));
  if (event.query.mb) return (await context.call('fast', { mb: event.query.mb })).length;
  return context.call('inner', null).catch((error) => ({ code: error.code }));
};`;
const INNER = `
const seen = [];
export default async (event, { signal }) => {
  if (event.query.ask) return seen;
  seen.push('began');
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  seen.push(signal.reason.message);
};`;

async function scene(isolation: string): Promise<Mesh> {
  const prepare = async (of: Catalogue) => {
    await streams(of);
    await openAuditReader(await connectAs(of.nats, 'registry'));
    const version = '1.0.0';
    await of.publish({ path: 'ticks', version }, TICKS);
    await of.publish({ path: 'short', version, limits: { timeoutMs: 1_500 } }, TICKS);
    await of.publish({ path: 'breaks', version, limits: { timeoutMs: 5_000 } }, BREAKS);
    await of.publish({ path: 'fast', version }, FAST);
    await of.publish({ path: 'takes', version, body: 'stream' }, TAKES);
    await of.publish({ path: 'nested', version }, NESTED);
    await of.publish({ path: 'inner', version }, INNER);
  };
  const environment = { MESH_ISOLATION: isolation, MESH_GRACE: String(GRACE_MS), MESH_MAX_BODY: '100000000' };
  return mesh(prepare, environment, { open: true });
}

/** Outcome and status of each record of a path, as executors sent them. */
async function records(manager: JetStreamManager, path: string): Promise<string[]> {
  const { state } = await manager.streams.info(AUDIT_STREAM);
  const found: string[] = [];
  for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(AUDIT_STREAM, { seq });
    for (const record of unpackInvocations(message?.string() ?? '').records)
      if (record.path === path) found.push(`${record.outcome} ${record.status}`);
  }
  return found;
}

interface Streaming {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  text(): string;
  leave(): void;
  /** Resolves at the end. @returns whether it was whole */
  readonly whole: Promise<boolean>;
}

/** Reads as it comes. */
function streaming(url: string): Promise<Streaming> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      const whole = new Promise<boolean>((done) => {
        response.on('close', () => done(response.complete));
        response.on('error', () => undefined);
      });
      const text = () => Buffer.concat(chunks).toString();
      const { statusCode = 0, headers } = response;
      resolve({ status: statusCode, headers, text, whole, leave: () => asked.destroy() });
    });
    asked.on('error', reject);
    asked.end();
  });
}

const ISOLATIONS = ['inline', 'thread', 'process'] as const;

describe.each(ISOLATIONS)('in isolation %s', (isolation) => {
  let of: Mesh;
  let manager: JetStreamManager;
  beforeAll(async () => {
    of = await scene(isolation);
    manager = await jetstreamManager(await plainClient(of.nats));
  });
  afterAll(closeAll);

  const seenBy = async (path: string): Promise<string[]> =>
    (await (await fetch(`${of.url}/${path}?ask=1`)).json()) as string[];
  const seen = (path: string, wanted: string) =>
    until(
      () => seenBy(path),
      (all) => all.includes(wanted),
    );
  const recorded = (path: string, wanted: string) =>
    until(
      () => records(manager, path),
      (all) => all.includes(wanted),
    );
  /** Started before its deadline counts. */
  const warm = (path: string, answer: RegExp) =>
    until(
      () =>
        fetch(`${of.url}/${path}`)
          .then((response) => response.text())
          .catch(String),
      (text) => answer.test(text),
    );
  const hasText = (stream: Streaming, text: string) => until(stream.text, (got) => got.includes(text));

  it('pieces come as they are made, and who goes away ends that stream and no other', async () => {
    const leaving = await streaming(`${of.url}/ticks?id=a`);
    const staying = await streaming(`${of.url}/ticks?id=b`);
    expect([leaving.status, leaving.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(leaving.headers).not.toHaveProperty('content-length');
    await hasText(leaving, 'data: 3\n\n');
    leaving.leave();
    await seen('ticks', 'a ended');
    expect(await seenBy('ticks')).toContain('a aborted: the caller went away');
    await recorded('ticks', 'client-gone 499');
    const before = staying.text().length;
    await until(staying.text, (text) => text.length > before + 20);
    expect(await seenBy('ticks')).not.toContain('b ended');
    staying.leave();
    await seen('ticks', 'b ended');
  });

  it('who leaves a generator that waits without its signal costs nobody their worker', async () => {
    const [born] = await seenBy('ticks');
    const leaving = await streaming(`${of.url}/ticks?id=d&every=${3 * GRACE_MS}`);
    const staying = await streaming(`${of.url}/ticks?id=e`);
    await hasText(leaving, 'data: 1\n\n');
    leaving.leave();
    await seen('ticks', 'd ended');
    const before = staying.text().length;
    await until(staying.text, (text) => text.length > before + 20);
    expect((await seenBy('ticks'))[0]).toBe(born);
    staying.leave();
    await seen('ticks', 'e ended');
  });

  it('an endless stream ends at its deadline, and is not taken for a whole answer', async () => {
    await warm('short?ask=1', /^\["born/);
    const endless = await streaming(`${of.url}/short?id=c`);
    expect(await endless.whole).toBe(false);
    expect(endless.text()).toContain('data: 2\n\n');
    await seen('short', 'c ended');
    expect(await seenBy('short')).toContain('c aborted: the deadline passed');
    await recorded('short', 'deadline-exceeded 504');
  });

  it.each([
    ['throws', 'handler-error 500'],
    ['bad', 'bad-answer 500'],
    ['exits', 'worker-crashed 502'],
    ['blocks', 'deadline-exceeded 504'],
    ['waits', 'deadline-exceeded 504'],
  ])('one that %s in the middle is broken off, recorded, and the next is whole', async (how, record) => {
    if (isolation === 'inline' && (how === 'exits' || how === 'blocks')) return;
    await warm('breaks', /^firstlast$/);
    // Two of these end in the same way: its own record is one more.
    const count = async () => (await records(manager, 'breaks')).filter((one) => one === record).length;
    const before = await count();
    const broken = await streaming(`${of.url}/breaks?how=${how}`);
    expect(await broken.whole).toBe(false);
    expect(broken.text()).toBe('first');
    await until(count, (now) => now > before);
    const next = await streaming(`${of.url}/breaks`);
    expect([await next.whole, next.text()]).toEqual([true, 'firstlast']);
  });

  it('every byte comes, in its order', async () => {
    const response = await fetch(`${of.url}/fast?mb=12`);
    const body = Buffer.from(await response.arrayBuffer());
    const expected = Buffer.concat(Array.from({ length: 120 }, (_, i) => Buffer.alloc(100_000, i)));
    expect(body.equals(expected)).toBe(true);
  });

  it('a reader that stops holds the handler up, and one that goes ends it', async () => {
    const slow = request(`${of.url}/fast?mb=1000`, { agent: false }, (response) => response.pause());
    slow.on('error', () => undefined);
    slow.end();
    const given = async (): Promise<number> =>
      (await fetch(`${of.url}/fast?ask=1`)).json() as Promise<number>;
    let last = -1;
    // It stands still: what was given lies in the buffers on the way.
    const still = await until(given, (now) => {
      const same = now === last && now > 0;
      last = now;
      return same;
    });
    expect(still).toBeLessThan(30e6);
    slow.destroy();
    await recorded('fast', 'client-gone 499');
    expect(await given()).toBeLessThan(60e6);
  });

  it('a body comes as it is sent, larger than any message', async () => {
    const sent = Buffer.alloc(12e6, 'abcdefghij');
    const response = await fetch(`${of.url}/takes`, { method: 'POST', body: sent });
    const hash = createHash('sha256').update(sent).digest('hex');
    expect([response.status, await response.json()]).toEqual([200, { size: sent.length, hash }]);
    const small = await fetch(`${of.url}/takes`, { method: 'POST', body: '{"a":1}' });
    expect(await small.json()).toMatchObject({ size: 7 });
    const none = await fetch(`${of.url}/takes`);
    expect(await none.json()).toMatchObject({ size: 0 });
  });

  it('a handler may answer before it has taken all, or give back what it takes', async () => {
    const sent = Buffer.alloc(3e6, 'abcdefghij');
    const post = (how: string) => fetch(`${of.url}/takes?${how}`, { method: 'POST', body: sent });
    expect(await (await post('how=leaves')).text()).toBe('enough');
    expect(await (await post('most=1000000')).text()).toBe('stopped');
    const echoed = Buffer.from(await (await post('how=echoes')).arrayBuffer());
    expect(echoed.equals(sent)).toBe(true);
  });

  it('a client that goes in the middle of its body ends the run', async () => {
    const leaving = request(`${of.url}/takes`, { method: 'POST', agent: false });
    leaving.on('error', () => undefined);
    leaving.setHeader('content-length', 50e6);
    const before = (await seenBy('takes')).length;
    leaving.write(Buffer.alloc(2e6));
    await until(
      () => seenBy('takes'),
      ({ length }) => length > before,
    );
    leaving.destroy();
    await until(
      () => seenBy('takes'),
      (all) => all.some((text) => text.startsWith('aborted') || text.startsWith('broke')),
    );
    await recorded('takes', 'client-gone 499');
  });

  it('a plain NATS client gets the whole of it, or learns that it is too large', async () => {
    const client = await plainClient(of.nats);
    const short = await client.request('mesh.call.breaks', '{}', { timeout: 10_000 });
    expect([short.string(), short.headers?.get('mesh-status')]).toEqual(['firstlast', '200']);
    const large = await client.request('mesh.call.fast', '{"mb":12}', { timeout: 10_000 });
    expect(large.headers?.get('Nats-Service-Error')).toContain('answer-too-large');
  });

  it('the result of work in pieces is kept as a whole', async () => {
    const accepted = await fetch(`${of.url}/breaks`, { headers: { prefer: 'respond-async' } });
    expect(accepted.status).toBe(202);
    const location = of.url + (accepted.headers.get('location') as string);
    await until(
      async () => (await fetch(location)).text(),
      (text) => text.includes('firstlast'),
    );
  });

  it('another handler gets it as a whole; what it called ends with it', async () => {
    expect(await (await fetch(`${of.url}/nested?collects=1`)).json()).toEqual({ text: 'firstlast' });
    expect(await (await fetch(`${of.url}/nested?mb=12`)).json()).toBe(12e6);
    const leaving = request(`${of.url}/nested`, { agent: false }).on('error', () => undefined);
    leaving.end();
    await seen('inner', 'began');
    leaving.destroy();
    await seen('inner', 'the caller went away');
  });
});

describe('with the permissions that an executor has', () => {
  afterAll(closeAll);

  it('what a handler called answers in pieces, and ends with it', async () => {
    const { url } = await mesh(async (of) => {
      await of.publish({ path: 'fast', version: '1.0.0' }, FAST);
      await of.publish({ path: 'nested', version: '1.0.0' }, NESTED);
      await of.publish({ path: 'inner', version: '1.0.0' }, INNER);
    });
    expect(await (await fetch(`${url}/nested?mb=12`)).json()).toBe(12e6);
    const seen = async (): Promise<string[]> =>
      (await (await fetch(`${url}/inner?ask=1`)).json()) as string[];
    const leaving = request(`${url}/nested`, { agent: false }).on('error', () => undefined);
    leaving.end();
    await until(seen, (all) => all.includes('began'));
    leaving.destroy();
    await until(seen, (all) => all.includes('the caller went away'));
  });
});
