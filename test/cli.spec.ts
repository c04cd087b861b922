import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from './fixtures/service-process.js';
import { until } from './fixtures/until.js';

/*
 * The command as a person uses it: in a process of its own, in an empty folder, with a real mesh beside it. What is
 * run is dist, which `npm test` has built.
 */
const MESH = resolve('dist/apps/cli/src/main.js');
const FREE_PORTS = {
  MESH_HTTP_PORT: '0',
  MESH_REGISTRY_PORT: '0',
  MESH_NATS_PORT: '0',
  MESH_MQTT_PORT: '0',
  MESH_AWS_PORT: '0',
};

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function start(
  command: string,
  args: readonly string[],
  folder: string,
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  // npm of the test run would tell its own folder to the npm that is started here.
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|MESH_|NODE_)/i.test(name)),
  );
  const child = spawn(command, args, { cwd: folder, env: { ...clean, ...env } });
  // One that ends before it has read is no failure.
  child.stdin.on('error', () => undefined).end(input);
  const [out, err, code] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    new Promise<number | null>((done) => child.once('exit', done)),
  ]);
  return { code, out: out.toString(), err: err.toString() };
}
const mesh = (folder: string, line: string, more: Parameters<typeof start>[3] = {}) =>
  start(process.execPath, [MESH, ...line.split(' ')], folder, more);

/** One that goes on until it is interrupted; ended with the tests if they fail before. */
function follow(folder: string, ...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MESH, ...args], { cwd: folder });
  followers.push(child);
  return child;
}
const followers: ChildProcessWithoutNullStreams[] = [];

async function ended(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGINT');
  return new Promise((done) => child.once('exit', done));
}

let root: string;
let running: ServiceProcess;
let urls: { http: string; nats: string; registry: string; token: string };
beforeAll(async () => {
  root = await mkdtemp(join(realpathSync(tmpdir()), 'mesh-cli-'));
  const env = { MESH_DATA_DIR: join(root, '.mesh'), MESH_HANDLER_ENV: 'REGION,API_KEY' };
  running = new ServiceProcess('embedded', { ...FREE_PORTS, ...env });
  await running.printed('Ctrl-C stops everything.');
  urls = JSON.parse(readFileSync(join(root, '.mesh', 'mesh.json'), 'utf8'));
}, 120_000);
afterAll(async () => {
  await Promise.all(followers.map(ended));
  await running?.end('SIGINT');
  await rm(root, { recursive: true, force: true });
});

describe('from an empty folder', () => {
  let project: string;

  it('makes a repository whose tests pass without a network', async () => {
    const made = await mesh(root, 'new orders/total');
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('cd orders-total') });
    project = join(root, 'orders-total');
    const tested = await start('npm', ['test'], project, { env: { npm_config_offline: 'true' } });
    expect(tested.out).toMatch(/pass 3\n/);
    expect(tested.code).toBe(0);
  }, 60_000);

  it('has a test that fails when the handler is wrong', async () => {
    const source = await readFile(join(project, 'handler.ts'), 'utf8');
    await writeFile(join(project, 'handler.ts'), source.replace('Hello, ', 'Hullo, '));
    expect(await start('npm', ['test'], project)).toMatchObject({ code: 1 });
    await writeFile(join(project, 'handler.ts'), source);
  }, 60_000);

  it('makes nothing in a folder that holds anything', async () => {
    expect(await mesh(root, 'new orders/total')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not empty'),
    });
  });

  it('publishes it, and a REST client has an answer of 0.1.0', async () => {
    expect(await mesh(project, 'publish')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^✓ orders\/total@0\.1\.0 is live/),
    });
    const answer = await until(async () => {
      const response = await fetch(`${urls.http}/orders/total?name=Ada`);
      return response.status === 200 && response;
    });
    expect(answer.headers.get('mesh-version')).toBe('0.1.0');
    expect(await answer.json()).toEqual({ greeting: 'Hello, Ada!' });
  });

  it('publishes the same again, and refuses other bytes under the same version', async () => {
    expect(await mesh(project, 'publish')).toMatchObject({ code: 0 });
    const source = await readFile(join(project, 'handler.ts'), 'utf8');
    await writeFile(join(project, 'handler.ts'), source.replace('Hello', 'Welcome'));
    expect(await mesh(project, 'publish')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/409 conflict.*\n.*raise "version"/),
    });
  });

  it('publishes 0.2.0, whose answer comes within a second of the command’s end', async () => {
    await start('npm', ['version', 'minor', '--no-git-tag-version'], project);
    expect(await mesh(project, 'publish')).toMatchObject({ code: 0 });
    await until(async () => {
      const response = await fetch(`${urls.http}/orders/total`);
      return response.headers.get('mesh-version') === '0.2.0';
    }, 1_000);
    const versions = JSON.parse((await mesh(project, 'versions orders/total --json')).out);
    expect(versions).toMatchObject([{ version: '0.2.0' }, { version: '0.1.0' }]);
    expect((await mesh(project, 'versions orders/total')).out).toMatch(/^0\.2\.0 +live /m);
  });

  it('notes the commit of a clean checkout', async () => {
    const git = (...args: string[]) =>
      start('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], project);
    await git('add', '.');
    await git('commit', '-qm', 'first');
    const [packed] = JSON.parse((await mesh(project, 'pack --out packed --json')).out);
    expect(packed.commit).toBe((await git('rev-parse', 'HEAD')).out.trim());
    expect(packed.file).toBe(join('packed', 'orders-total-0.2.0.tgz'));
  });
});

describe('a handler with more than code', () => {
  it('finds its assets and its native add-on in the mesh, and its stack names the author’s own line', async () => {
    const folder = join(root, 'more');
    await mkdir(join(folder, 'src/templates/mail'), { recursive: true });
    await copyFile(
      createRequire(import.meta.url).resolve('@unrs/resolver-binding-linux-x64-gnu'),
      join(folder, 'src/it.node'),
    );
    await writeFile(join(folder, 'src/templates/mail/a.html'), '<p>a');
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({
        version: '1.0.0',
        mesh: {
          handlers: { 'more/page': 'src/page.ts', 'more/fault': 'src/fault.ts' },
          assets: ['src/templates/**'],
        },
      }),
    );
    await writeFile(
      join(folder, 'src/page.ts'),
      `import { readFileSync } from 'node:fs';
       import { join } from 'node:path';
       import addon from './it.node';
       const template = join(import.meta.dirname, 'templates', 'mail', 'a.html');
       export const handle = (): unknown => [readFileSync(template, 'utf8'), typeof addon.ResolverFactory];`,
    );
    await writeFile(
      join(folder, 'src/fault.ts'),
      `interface Order { readonly id: string }

       export function handle(_order: Order): never {
         throw new Error('on purpose');
       }`,
    );
    const published = await mesh(folder, 'publish');
    expect(published).toMatchObject({ code: 0, err: '' });
    expect(published.out).toMatch(/✓ more\/page@1\.0\.0.*\n✓ more\/fault@1\.0\.0/);
    expect((await mesh(root, 'invoke more/page')).out).toBe('["<p>a","function"]');
    expect(await mesh(root, 'invoke more/fault')).toMatchObject({
      code: 2,
      err: expect.stringContaining('handler-error'),
      out: expect.not.stringContaining('on purpose'),
    });
    await until(async () => /on purpose[\s\S]*src\/fault\.ts:4:16/.test(running.output));
  }, 60_000);
});

describe('versions and routes', () => {
  const versionNow = async () => (await fetch(`${urls.http}/orders/total`)).headers.get('mesh-version');

  it('go back to what was live before, within a second of the command’s end', async () => {
    expect(await mesh(root, 'rollback orders/total')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^0\.1\.0 +100 %$/m),
    });
    await until(async () => (await versionNow()) === '0.1.0', 1_000);
    expect(await mesh(root, 'rollback orders/total --to 0.2.0')).toMatchObject({ code: 0 });
    await until(async () => (await versionNow()) === '0.2.0', 1_000);
  });

  it('share the calls, and have names', async () => {
    expect(await mesh(root, 'route orders/total 0.1.0=40 0.2.0=60')).toMatchObject({ code: 0 });
    const seen = new Set<string | null>();
    await until(async () => seen.add(await versionNow()).size === 2);
    expect(await mesh(root, 'alias orders/total canary 0.1.0')).toMatchObject({ code: 0 });
    expect((await mesh(root, 'route orders/total 0.2.0')).out).toMatch(/^0\.1\.0 +0 % +@canary$/m);
    await until(async () => (await versionNow()) === '0.2.0');
    const canary = JSON.parse((await mesh(root, 'invoke orders/total@canary --json')).out);
    expect(canary).toMatchObject({ outcome: 'ok', version: '0.1.0' });
  });

  it('are refused when somebody else was faster', async () => {
    const { revision } = JSON.parse((await mesh(root, 'route orders/total --json')).out);
    expect(await mesh(root, `route orders/total 0.1.0 --revision ${revision - 1}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Somebody else changed this route'),
    });
    expect(await mesh(root, `route orders/total 0.2.0 --revision ${revision}`)).toMatchObject({ code: 0 });
  });

  it('end: deprecated, no longer named, deleted, and only then', async () => {
    expect(await mesh(root, 'deprecate orders/total@0.1.0 old')).toMatchObject({ code: 0 });
    expect((await mesh(root, 'versions orders/total')).out).toMatch(/^0\.1\.0 .*@canary, deprecated: old/m);
    expect(await mesh(root, 'delete orders/total@0.1.0')).toMatchObject({
      code: 1,
      err: expect.stringContaining('canary'),
    });
    expect(await mesh(root, 'alias orders/total canary --delete')).toMatchObject({ code: 0 });
    expect(await mesh(root, 'delete orders/total@0.1.0')).toMatchObject({ code: 0 });
    expect((await mesh(root, 'versions orders/total')).out).not.toMatch(/^0\.1\.0/m);
  });

  it('are published without going live, from an artifact too', async () => {
    const project = join(root, 'orders-total');
    await start('npm', ['version', '0.3.0', '--no-git-tag-version'], project);
    await mesh(project, 'pack --out imported');
    expect(await mesh(project, 'publish imported/orders-total-0.3.0.tgz --no-live')).toMatchObject({
      code: 0,
      out: expect.stringContaining('recorded, not live (mesh route orders/total 0.3.0)  ('),
    });
    expect(await versionNow()).toBe('0.2.0');
    expect(await mesh(root, `import file://${join(project, 'imported')}`)).toMatchObject({
      code: 0,
      out: expect.stringContaining('orders/total@0.3.0 unchanged: orders-total-0.3.0.tgz'),
    });
  });

  it('are all told by the audit, which holds', async () => {
    const entries = JSON.parse((await mesh(root, 'audit --path orders/total --json')).out);
    const actions = entries.map(({ action }: { action: string }) => action);
    expect(actions.reverse()).toEqual(
      expect.arrayContaining(['publish', 'rollback', 'route', 'alias', 'delete']),
    );
    expect(actions[0]).toBe('publish');
    expect(await mesh(root, 'audit verify')).toMatchObject({
      code: 0,
      out: expect.stringContaining('entries'),
    });
  });
});

describe('what an operator sets', () => {
  it('reaches a handler that asks for it, and is shown to nobody', async () => {
    const folder = join(root, 'configured');
    await mkdir(folder);
    await writeFile(
      join(folder, 'handler.mjs'),
      `export default { [Symbol.for('lambda-mesh.handler')]: 1, path: 'con/figured',
        options: { version: '1.0.0', env: ['REGION', 'API_KEY'] },
        run: () => [process.env.REGION ?? null, process.env.API_KEY ?? null] };`,
    );
    expect(await mesh(folder, 'publish')).toMatchObject({ code: 0 });
    expect(await mesh(root, 'env set con/figured REGION=eu-1')).toMatchObject({ code: 0 });
    const secret = await mesh(root, 'env set con/figured API_KEY', { input: 's3cret\n' });
    expect(secret).toMatchObject({ code: 0, out: 'Set for con/figured: API_KEY\n' });
    const answer = async () => (await mesh(root, 'invoke con/figured')).out;
    await until(async () => (await answer()) === '["eu-1","s3cret"]');
    const shown = await Promise.all(
      ['env ls con/figured', 'env ls con/figured --json', 'route con/figured --json', 'audit --json'].map(
        (line) => mesh(root, line),
      ),
    );
    for (const { code, out } of shown) {
      expect(code).toBe(0);
      expect(out).not.toContain('s3cret');
    }
    expect(shown[0]?.out).toBe('API_KEY\nREGION\n');
    expect(await mesh(root, 'env unset con/figured API_KEY')).toMatchObject({ code: 0 });
    await until(async () => (await answer()) === '["eu-1",null]');
  }, 60_000);

  it('is a limit of a handler, at once, and no longer when it is unset', async () => {
    const folder = join(root, 'limited');
    await mkdir(folder);
    await writeFile(
      join(folder, 'handler.mjs'),
      `export default { [Symbol.for('lambda-mesh.handler')]: 1, path: 'limi/ted', options: { version: '1.0.0' }, run: () => 1 };`,
    );
    expect(await mesh(folder, 'publish')).toMatchObject({ code: 0 });
    const set = await mesh(root, 'limits limi/ted --payload 3 --json');
    expect([set.code, JSON.parse(set.out).limits]).toEqual([0, { payloadBytes: 3 }]);
    const post = async () => (await fetch(`${urls.http}/limi/ted`, { method: 'POST', body: '1234' })).status;
    await until(async () => (await post()) === 413);
    const shown = await mesh(root, 'limits limi/ted');
    expect([shown.code, /payload +3 +-/.test(shown.out)]).toEqual([0, true]);
    expect(await mesh(root, 'limits limi/ted --unset payload')).toMatchObject({ code: 0 });
    await until(async () => (await post()) === 200);
    expect(await mesh(root, 'limits limi/ted --rate 0')).toMatchObject({ code: 64 });
  }, 60_000);
});

describe('tokens', () => {
  it('allow what their role says, until they are revoked', async () => {
    const token = (await mesh(root, 'token create ci --role publisher')).out.trim();
    const env = { MESH_REGISTRY_URL: urls.registry, MESH_TOKEN: token };
    expect(await mesh(root, 'list', { env })).toMatchObject({ code: 0 });
    expect(await mesh(join(root, 'configured'), 'publish', { env })).toMatchObject({ code: 0 });
    expect(await mesh(root, 'token ls', { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('403 forbidden'),
    });
    const [{ id }] = JSON.parse((await mesh(root, 'token ls --json')).out);
    expect(await mesh(root, `token revoke ${id}`)).toMatchObject({ code: 0 });
    expect(await mesh(root, 'list', { env })).toMatchObject({ code: 1, err: expect.stringContaining('401') });
  });
});

describe('invocations', () => {
  it('are listed as they ended', async () => {
    await mesh(root, 'invoke users/find');
    const found = await until(async () => {
      const ran = await mesh(root, 'invocations --path users/find --status 400 --json');
      const items = JSON.parse(ran.out) as object[];
      return items.length > 0 && items;
    });
    expect(found[0]).toMatchObject({
      path: 'users/find',
      version: '0.0.1',
      outcome: 'failed',
      source: 'http',
    });
    expect((await mesh(root, 'invocations --limit 1')).out.split('\n')).toHaveLength(3);
  });
});

describe('dead', () => {
  const ids = async (more = ''): Promise<string[]> => {
    const { out } = await mesh(root, `dead ls --path users/find${more} --json`);
    return JSON.parse(out).map(({ id }: { id: string }) => id);
  };

  it('lists what ended badly, shows it, runs it again and drops it', async () => {
    const asked = await fetch(`${urls.http}/users/find`, { headers: { prefer: 'respond-async' } });
    expect(asked.status).toBe(202);
    const { id } = (await asked.json()) as { id: string };
    await until(async () => (await ids()).includes(id));
    expect((await mesh(root, 'dead ls')).out).toContain('failed');
    expect((await mesh(root, 'doctor')).out).toMatch(/✓ dead +1 dead letter: mesh dead ls/);
    const shown = await until(async () => {
      const { out } = await mesh(root, `dead show ${id}`);
      return out.includes('On record:\ntime') && out;
    });
    expect(shown).toMatch(/reason +failed/);
    expect((await mesh(root, 'dead replay --path users/find')).out).toContain(
      '1 dead letter would be replayed',
    );
    expect(await mesh(root, 'dead replay --path users/find --yes')).toMatchObject({
      code: 0,
      out: '1 dead letter replayed.\n',
    });
    const again = await until(async () => {
      const { out } = await mesh(root, `dead show ${id} --json`);
      return JSON.parse(out).replay === 1 && JSON.parse(out);
    });
    expect(again).toMatchObject({ id, reason: 'failed', headers: { 'mesh-replay': '1' } });
    expect(await mesh(root, `dead drop ${id}`)).toMatchObject({ code: 0, out: `${id} is dropped.\n` });
    expect(await mesh(root, `dead show ${id}`)).toMatchObject({ code: 1 });
    expect(await ids()).toEqual([]);
    const audit = JSON.parse((await mesh(root, 'audit --limit 2 --json')).out) as { action: string }[];
    expect(audit.map(({ action }) => action)).toEqual(['dead-drop', 'dead-replay']);
  }, 60_000);
});

describe('invoke', () => {
  const invoke = (line: string, input?: string) => mesh(root, `invoke ${line}`, { input });

  it.each(['http', 'nats'])(
    'over %s gives the answer on stdout, and its outcome as exit code',
    async (way) => {
      expect(await invoke(`users/find --query id=42 --via ${way}`)).toMatchObject({
        code: 0,
        out: expect.stringContaining('"user42@example.org"'),
        err: '',
      });
      expect(await invoke(`users/find --via ${way}`)).toMatchObject({
        code: 1,
        out: '{"error":"Missing ?id="}',
        err: expect.stringContaining('failed (400)'),
      });
      expect(await invoke(`nobody/here --via ${way}`)).toMatchObject({
        code: 2,
        err: expect.stringMatching(/(no-route|no-executor)[\s\S]*→ .*mesh /),
      });
      expect(JSON.parse((await invoke(`users/find@0.0.1 -q id=7 --json --via ${way}`)).out)).toMatchObject({
        outcome: 'ok',
        status: 200,
        version: '0.0.1',
        body: { id: 7 },
      });
    },
  );

  it('takes the body from the line, a file or standard input, byte for byte', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    await writeFile(join(root, 'bytes'), bytes);
    const zipped = await invoke('files/gzip --file bytes --json');
    expect(JSON.parse(zipped.out)).toMatchObject({ outcome: 'ok', body: { base64: expect.any(String) } });
    expect(await invoke('users/find --via nats --body {"id":7}')).toMatchObject({ code: 0 });
    expect(await invoke('users/find --via nats --file -', '{"id":7}')).toMatchObject({ code: 0 });
  });

  it('ends with 3 where nobody is', async () => {
    expect(await invoke('users/find --url http://127.0.0.1:1')).toMatchObject({ code: 3 });
  });
});

describe('logs', () => {
  it('follows what a handler logs', async () => {
    const folder = join(root, 'talkative');
    await mkdir(folder);
    await writeFile(
      join(folder, 'handler.mjs'),
      `export default { [Symbol.for('lambda-mesh.handler')]: 1, path: 'talk/ative', options: { version: '1.0.0' },
        run: (event, context) => { context.log.warn('told', { id: event.query.id }) } };`,
    );
    expect(await mesh(folder, 'publish')).toMatchObject({ code: 0 });
    const child = follow(root, 'logs', 'talk/ative', '--json');
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    await until(async () => err.includes('Following talk/ative'));
    await until(async () => {
      await fetch(`${urls.http}/talk/ative?id=7`);
      return out.includes('\n');
    });
    expect(await ended(child)).toBe(0);
    expect(JSON.parse(out.split('\n')[0] as string)).toMatchObject({
      path: 'talk/ative',
      version: '1.0.0',
      level: 'warn',
      message: 'told',
      fields: { id: '7' },
    });
  });

  it('says who may, to whom may not', async () => {
    const ran = await mesh(root, `logs users/find --nats ${urls.nats}`);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('mesh.log.>') });
  });
});

describe('doctor', () => {
  it('finds nothing where everything is well', async () => {
    const ran = await mesh(root, 'doctor');
    expect(ran.out).not.toContain('✗');
    expect(ran.code).toBe(0);
    for (const check of ['registry', 'token', 'ingress', 'nats', 'executors'])
      expect(ran.out).toContain(`✓ ${check}`);
  });

  it('says what is wrong and what to do', async () => {
    const env = {
      MESH_REGISTRY_URL: urls.registry,
      MESH_TOKEN: 'wrong',
      MESH_HTTP_URL: 'http://127.0.0.1:1',
      MESH_NATS_URL: 'nats://127.0.0.1:1',
    };
    const ran = await mesh(root, 'doctor --json', { env });
    expect(ran.code).toBe(1);
    const findings = JSON.parse(ran.out) as { check: string; ok: boolean; remedy?: string }[];
    const wrong = findings.filter(({ ok }) => !ok);
    expect(wrong.map(({ check }) => check)).toEqual(['token', 'ingress', 'nats']);
    for (const { remedy } of wrong) expect(remedy).toBeTruthy();
  });
});

describe('dev', () => {
  it('runs a handler on the mesh that is there, anew at every save, and tells what is wrong with one', async () => {
    await mesh(root, 'new dev/loop --no-git');
    const folder = join(root, 'dev-loop');
    const child = follow(folder, 'dev');
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const lives = () => said.split('✓ dev/loop@0.1.0-dev.').length - 1;
    const greeting = async () => (await fetch(`${urls.http}/dev/loop`)).text();
    await until(async () => said.includes('Watching'));
    await until(async () => (await greeting()).includes('Hello, world!'));
    const source = await readFile(join(folder, 'handler.ts'), 'utf8');
    await writeFile(join(folder, 'handler.ts'), source.replace('Hello', 'Hi'));
    await until(async () => (await greeting()).includes('Hi, world!'));
    await writeFile(join(folder, 'handler.ts'), source.replace('(event', '((event'));
    await until(async () => said.includes('✗ The handler cannot be bundled'));
    expect(await greeting()).toContain('Hi, world!');
    await writeFile(join(folder, 'greet.ts'), "export const word: string = 'Servus';");
    await writeFile(
      join(folder, 'handler.ts'),
      `import { word } from './greet.ts';\n${source.replace(/`Hello, .*`/, "word + ', world!'")}`,
    );
    await until(async () => (await greeting()).includes('Servus, world!'));
    // A file that was not there when the watch began.
    await writeFile(join(folder, 'greet.ts'), "export const word: string = 'Grüezi';");
    await until(async () => (await greeting()).includes('Grüezi, world!'));
    await until(async () => lives() === 4);
    expect(await ended(child)).toBe(0);
  }, 60_000);
});

describe('with a node that runs no TypeScript', () => {
  let bin: string;
  beforeAll(() => {
    bin = mkdtempSync(join(tmpdir(), 'mesh-old-node-'));
    // Node 20 as far as it is asked: it knows its version, and fails at anything else.
    writeFileSync(join(bin, 'node'), '#!/bin/sh\n[ "$1" = --version ] && echo v20.20.2 || exit 9\n');
    chmodSync(join(bin, 'node'), 0o755);
  });
  afterAll(() => rmSync(bin, { recursive: true, force: true }));

  it('lends a new project its own', async () => {
    const npm = (await start('sh', ['-c', 'readlink -f "$(command -v npm)"'], root)).out.trim();
    const env = { PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) };
    const made = await mesh(root, 'new old/node --no-git', { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(made).toMatchObject({ code: 0, err: expect.stringContaining('v20.20.2') });
    const folder = join(root, 'old-node');
    expect(readlinkSync(join(folder, 'node_modules/.bin/node'))).toBe(process.execPath);
    expect(await start(process.execPath, [npm, 'test'], folder, { env })).toMatchObject({ code: 0 });
  }, 60_000);
});
