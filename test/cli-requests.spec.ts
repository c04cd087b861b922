import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EXIT } from '../apps/cli/src/exit.js';
import { run } from '../apps/cli/src/mesh.js';
import { type Shell, shellOf } from '../apps/cli/src/shell.js';

/*
 * What each command puts on the wire, and what it makes of each kind of answer. The other end is a plain HTTP server that
 * answers what a registry may; the way through the real one is test/cli.spec.ts.
 */
interface Seen {
  readonly request: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
  readonly ifMatch: string | undefined;
}
type Answer = readonly [status: number, body: unknown];

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A server that gives these answers in turn, the last one again and again. */
async function registry(...answers: readonly Answer[]): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const listening = createServer(async (request, response) => {
    const text = String(await buffer(request));
    const [status, body] = answers[Math.min(seen.length, answers.length - 1)] ?? [500, {}];
    seen.push({
      request: `${request.method} ${request.url}`,
      body: text === '' ? undefined : JSON.parse(text),
      authorization: request.headers.authorization,
      ifMatch: request.headers['if-match'],
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  servers.push(listening);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, seen };
}

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function mesh(url: string, args: readonly string[], input = ''): Promise<Ran> {
  const lines = { out: [] as string[], err: [] as string[] };
  const shell: Shell = {
    ...shellOf('/', { MESH_REGISTRY_URL: url, MESH_TOKEN: 'secret' }),
    print: (text) => void lines.out.push(text),
    tell: (text) => void lines.err.push(text),
    during: (_what, work) => work(),
    readInput: async () => Buffer.from(input),
  };
  await run(shell, args);
  return { out: lines.out.join('\n'), err: lines.err.join('\n'), exitCode: shell.exitCode };
}

const ROUTE = { path: 'a/b', revision: 7, live: [{ version: '1.2.0', weight: 100 }], aliases: {} };
const PAGE = { items: [], next: null };

describe('a command', () => {
  it.each<[string, string, unknown, unknown]>([
    ['list', 'GET /v1/handlers?limit=100', undefined, PAGE],
    ['route a/b', 'GET /v1/handlers/a%2Fb', undefined, ROUTE],
    [
      'route a/b 1.2.0=90 1.3.0=10',
      'PUT /v1/handlers/a%2Fb/route',
      {
        versions: [
          { version: '1.2.0', weight: 90 },
          { version: '1.3.0', weight: 10 },
        ],
      },
      ROUTE,
    ],
    ['alias a/b', 'GET /v1/handlers/a%2Fb', undefined, ROUTE],
    ['alias a/b canary 1.3.0', 'PUT /v1/handlers/a%2Fb/aliases/canary', { version: '1.3.0' }, ROUTE],
    ['alias a/b canary --delete', 'DELETE /v1/handlers/a%2Fb/aliases/canary', undefined, ROUTE],
    ['rollback a/b', 'POST /v1/handlers/a%2Fb/rollback', {}, ROUTE],
    ['rollback a/b --to 1.1.0', 'POST /v1/handlers/a%2Fb/rollback', { to: '1.1.0' }, ROUTE],
    [
      'deprecate a/b@1.2.0+x why',
      'POST /v1/handlers/a%2Fb/versions/1.2.0%2Bx/deprecate',
      { message: 'why' },
      {},
    ],
    ['retire a/b', 'DELETE /v1/handlers/a%2Fb/route', undefined, ROUTE],
    ['dead ls', 'GET /v1/dead?limit=50', undefined, PAGE],
    [
      'dead ls --path a/b --reason failed --since 2026-01-31 --limit 5',
      'GET /v1/dead?path=a%2Fb&reason=failed&since=2026-01-31T00%3A00%3A00.000Z&limit=5',
      undefined,
      PAGE,
    ],
    [
      'dead replay x/1',
      'POST /v1/dead/x%2F1/replay',
      undefined,
      { matched: 1, done: 1, refused: [], next: null },
    ],
    ['dead drop x1', 'DELETE /v1/dead/x1', undefined, { matched: 1, done: 1, refused: [], next: null }],
    ['delete a/b@1.2.0', 'DELETE /v1/handlers/a%2Fb/versions/1.2.0', undefined, {}],
    ['env ls a/b', 'GET /v1/handlers/a%2Fb', undefined, ROUTE],
    ['env set a/b X=1 Y=a=b', 'PUT /v1/handlers/a%2Fb/environment', { X: '1', Y: 'a=b' }, ROUTE],
    ['env unset a/b X Y', 'PUT /v1/handlers/a%2Fb/environment', { X: null, Y: null }, ROUTE],
    [
      'token create ci --role publisher --expires 90',
      'POST /v1/tokens',
      { name: 'ci', role: 'publisher', expiresInDays: 90 },
      { id: 't1', token: 'shown-once' },
    ],
    ['token ls', 'GET /v1/tokens?limit=100', undefined, PAGE],
    ['token revoke t/1', 'DELETE /v1/tokens/t%2F1', undefined, {}],
    ['import s3://bucket/prefix', 'POST /v1/imports', { source: 's3://bucket/prefix' }, { items: [] }],
    [
      'audit --path a/b --actor ci --since 2026-01-31 --limit 5',
      'GET /v1/audit?path=a%2Fb&actor=ci&since=2026-01-31T00%3A00%3A00.000Z&limit=5',
      undefined,
      PAGE,
    ],
    ['audit verify', 'GET /v1/audit/verify', undefined, { ok: true, checked: 3 }],
    [
      'invocations --path a/b --version 1.2.0 --status 500 --source mqtt',
      'GET /v1/invocations?path=a%2Fb&version=1.2.0&status=500&source=mqtt&limit=50',
      undefined,
      PAGE,
    ],
  ])('mesh %s asks %s', async (line, request, body, answer) => {
    const { url, seen } = await registry([200, answer]);
    const ran = await mesh(url, line.split(' '));
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual([{ request, body, authorization: 'Bearer secret', ifMatch: undefined }]);
    const { url: again } = await registry([200, answer]);
    const asJson = await mesh(again, [...line.split(' '), '--json']);
    expect(asJson.exitCode).toBe(0);
    expect(() => JSON.parse(asJson.out)).not.toThrow();
  });

  it('reads a secret from standard input, without the end of its line', async () => {
    const { url, seen } = await registry([200, ROUTE]);
    const { out, exitCode } = await mesh(url, ['env', 'set', 'a/b', 'KEY', 'X=1'], 'p4 ss\n');
    expect(exitCode).toBe(0);
    expect(seen[0]?.body).toEqual({ KEY: 'p4 ss', X: '1' });
    expect(out).toBe('Set for a/b: KEY, X');
  });

  it('states the revision that a change is meant for', async () => {
    const { url, seen } = await registry([200, ROUTE]);
    await mesh(url, ['route', 'a/b', '1.2.0', '--revision', '6']);
    expect(seen[0]?.ifMatch).toBe('"6"');
  });

  it('reads all pages, or as many items as are wanted', async () => {
    const page = (from: number, next: string | null): Answer => [
      200,
      { items: [0, 1].map((n) => ({ path: `p${from + n}`, revision: 1, live: [] })), next },
    ];
    const { url, seen } = await registry(page(0, 'x/1'), page(2, null));
    expect(JSON.parse((await mesh(url, ['list', '--json'])).out)).toHaveLength(4);
    expect(seen[1]?.request).toBe('GET /v1/handlers?limit=100&cursor=x%2F1');
  });

  it('says which executor has not taken a change over', async () => {
    const { url } = await registry([200, { ...ROUTE, executors: { confirmed: ['e1'], missing: ['e2'] } }]);
    const { err, exitCode } = await mesh(url, ['rollback', 'a/b']);
    expect(err).toMatch(/Executor e2 has not taken it over/);
    expect(exitCode).toBe(0);
  });

  it('shows a new token on standard output alone', async () => {
    const { url } = await registry([201, { id: 't1', token: 'shown-once' }]);
    const { out, err } = await mesh(url, ['token', 'create', 'ci']);
    expect(out).toBe('shown-once');
    expect(err).not.toContain('shown-once');
  });

  it('ends with 1 when the chain is broken, or an artifact was refused', async () => {
    const broken = await registry([200, { ok: false, checked: 9, firstBroken: { seq: 4, reason: 'hash' } }]);
    expect(await mesh(broken.url, ['audit', 'verify'])).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining('Entry 4 is broken: hash'),
    });
    const items = [
      { key: 'a.tgz', path: 'a', version: '1.0.0', result: 'created' },
      { key: 'b.tgz', result: 'refused', reason: 'not gzip' },
    ];
    const imported = await registry([200, { items }]);
    expect(await mesh(imported.url, ['import', 'file:///x'])).toMatchObject({
      exitCode: 1,
      out: '✓ a@1.0.0 from a.tgz\n✗ b.tgz: not gzip',
    });
  });
});

describe('a refusal', () => {
  it.each<[Answer, number, RegExp]>([
    [
      [401, { code: 'unauthorized', title: 'A valid token is required.' }],
      1,
      /valid token is required.*\n.*MESH_TOKEN/,
    ],
    [[403, { code: 'forbidden', title: 'No.' }], 1, /greater role/],
    [[404, { code: 'not-found', detail: 'No handler a/b.' }], 1, /No handler a\/b\.\n.*mesh list/],
    [[409, { code: 'conflict', detail: 'It is live.' }], 1, /It is live/],
    [[412, { code: 'revision-mismatch', title: 'Changed.' }], 1, /Somebody else changed/],
    [[404, 'no such page'], 1, /Is http:.* a registry of this version/],
    [[503, { code: 'catalogue-unavailable', title: 'Away.' }], 2, /try again in a moment/],
    [[502, undefined], 2, /gave no reason\n.*registry's log/],
  ])('%j ends with %s and says what to do', async (answer, exitCode, text) => {
    const { url } = await registry(answer);
    const ran = await mesh(url, ['rollback', 'a/b']);
    expect(ran).toMatchObject({ exitCode, out: '' });
    expect(ran.err).toMatch(text);
  });

  it('is JSON for programs', async () => {
    const { url } = await registry([409, { code: 'conflict', detail: 'It is live.' }]);
    const { out, err } = await mesh(url, ['delete', 'a/b@1.0.0', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      code: 'conflict',
      exitCode: 1,
      error: expect.stringContaining('It is live'),
    });
    expect(err).toBe('');
  });

  it('of nobody at all ends with 3', async () => {
    expect(await mesh('http://127.0.0.1:1', ['list'])).toMatchObject({
      exitCode: 3,
      err: expect.stringContaining('mesh doctor'),
    });
  });
});

describe('wrong arguments', () => {
  it.each([
    'bogus',
    'route',
    'route UPPER',
    'route a/b 1.0',
    'alias a/b canary',
    'alias a/b 1.0.0 1.0.0',
    'delete a/b',
    'delete a/b@canary',
    'env set a/b X Y',
    'token create ci --role king',
    'token create ci --expires soon',
    'audit --since yesterday',
    'invoke a/b@',
    'invoke a/b --query x',
    'invoke a/b --body x --file y',
    'invoke a/b --via pigeon',
    'invoke a/b --via nats --header x=1',
    'new Orders/Total',
    'versions a/b --bogus',
  ])('mesh %s ends with 64, and nothing is sent', async (line) => {
    const { url, seen } = await registry([200, {}]);
    const { exitCode, err } = await mesh(url, line.split(' '));
    expect(exitCode).toBe(64);
    expect(err).not.toBe('');
    expect(seen).toEqual([]);
  });

  it('are answered by help where there is none at all, and examples stand in every help', async () => {
    const help = await mesh('http://127.0.0.1:1', ['--help']);
    expect(help).toMatchObject({ exitCode: 0, out: expect.stringContaining('Exit codes:') });
    const commands = [...help.out.matchAll(/^ {2}([a-z]+)(?:\|ls)? \[options\]/gm)].map(
      ([, name]) => name as string,
    );
    expect(commands.length).toBeGreaterThan(14);
    for (const command of commands)
      expect((await mesh('http://127.0.0.1:1', [command, '--help'])).out).toMatch(/Examples:\n {2}.*mesh /);
  });
});

describe('many dead letters', () => {
  const came = (matched: number, done: number, next: string | null, refused: object[] = []): Answer => [
    200,
    { matched, done, refused, next },
  ];

  it('are only counted without --yes', async () => {
    const { url, seen } = await registry(came(3, 0, null));
    const ran = await mesh(url, ['dead', 'replay', '--path', 'a/b']);
    expect(ran).toMatchObject({
      exitCode: EXIT.refused,
      out: expect.stringContaining('3 dead letters would be'),
    });
    expect(seen.map(({ request, body }) => [request, body])).toEqual([
      ['POST /v1/dead/replay', { path: 'a/b', dryRun: true }],
    ]);
  });

  it('are treated request by request until there are no more', async () => {
    const refused = [{ seq: 9, id: 'x', code: 'no-route' }];
    const { url, seen } = await registry(came(4, 0, null), came(2, 2, '2-9'), came(2, 1, null, refused));
    const ran = await mesh(url, ['dead', 'drop', '--all', '--yes', '--json']);
    expect(seen.map(({ body }) => body)).toEqual([
      { all: true, dryRun: true },
      { all: true },
      { all: true, cursor: '2-9' },
    ]);
    expect(JSON.parse(ran.out)).toEqual({ matched: 4, done: 3, refused, next: null });
    expect(ran.exitCode).toBe(EXIT.refused);
  });

  it.each([[['dead', 'replay']], [['dead', 'drop', '--yes']], [['dead', 'replay', 'x1', '--path', 'a/b']]])(
    '%j is not understood',
    async (args) => {
      const { url, seen } = await registry(came(1, 1, null));
      expect((await mesh(url, args)).exitCode).toBe(EXIT.usage);
      expect(seen).toEqual([]);
    },
  );
});

describe('docs/cli.md', () => {
  const page = readFileSync('docs/cli.md', 'utf8');

  it('names every command and every exit code', async () => {
    const { out } = await mesh('http://127.0.0.1:1', ['--help']);
    const commands = [...out.matchAll(/^ {2}([a-z]+)(?:\|ls)?(?: \[options\]| {2,})/gm)].map(
      ([, name]) => name as string,
    );
    expect(commands).toContain('token');
    for (const command of commands.filter((name) => name !== 'help')) expect(page).toMatch(`\`${command}`);
    for (const code of Object.values(EXIT)) expect(page).toContain(`\n| ${code} | `);
  });
});

describe('invoke, of an answer in pieces', () => {
  /** Sends the pieces one by one, each when the one before was written out; then ends, or breaks off. */
  async function ingress(pieces: readonly string[], isWhole: boolean) {
    const next: (() => void)[] = [];
    const listening = createServer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'mesh-id': 'i' });
      for (const piece of pieces) {
        response.write(piece);
        await new Promise<void>((resolve) => next.push(resolve));
      }
      if (isWhole) response.end();
      else response.destroy();
    });
    servers.push(listening);
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const written: string[] = [];
    const told: string[] = [];
    const shell: Shell = {
      ...shellOf('/', { MESH_HTTP_URL: `http://127.0.0.1:${(listening.address() as AddressInfo).port}` }),
      print: (text) => void written.push(text),
      write: (bytes) => {
        if (bytes.length === 0) return;
        written.push(Buffer.from(bytes).toString());
        next.shift()?.();
      },
      tell: (text) => void told.push(text),
      during: (_what, work) => work(),
    };
    return { shell, written, told, next };
  }

  it('each is written out as it comes', async () => {
    const { shell, written } = await ingress(['one', 'two', 'three'], true);
    await run(shell, ['invoke', 'a/b']);
    expect([written, shell.exitCode]).toEqual([['one', 'two', 'three'], EXIT.done]);
  });

  it('says when not all of them came', async () => {
    const { shell, written, told } = await ingress(['one', 'two'], false);
    await run(shell, ['invoke', 'a/b']);
    expect([written, shell.exitCode]).toEqual([['one', 'two'], EXIT.failed]);
    expect(told.join()).toContain('broken-off');
  });
});
