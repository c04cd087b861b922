import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { ServiceProcess } from './fixtures/service-process.js';
import { until } from './fixtures/until.js';

/* `mesh serve` and `mesh pack --lambda` as a user calls them; `npm test` has built them. */
const MESH = resolve('dist/apps/cli/src/main.js');

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mesh-cli-worker-'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(args: string[], environment: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env.PATH, ...environment };
  const child = spawn(process.execPath, [MESH, ...args], { cwd: folder, env });
  children.push(child);
  return child;
}

async function mesh(...args: string[]) {
  const child = start(args);
  const ended = once(child, 'exit');
  const [out, err, [code]] = await Promise.all([
    text(child.stdout as never),
    text(child.stderr as never),
    ended,
  ]);
  return { out, err, code };
}

/** Where it listens, each time that it begins. */
async function* urlsOf(child: ChildProcess): AsyncGenerator<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const url = /(http:\/\/[\d.:]+), described/.exec(line)?.[1];
    if (url) yield url;
  }
}

const next = async (urls: AsyncGenerator<string>): Promise<string> => {
  const { value, done } = await urls.next();
  if (done) throw new Error('it ended');
  return value;
};

const answered = async (url: string): Promise<unknown> => {
  const body = JSON.stringify({ payload: 'x' });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body })).json();
};
const write = (name: string, code: string) => writeFileSync(join(folder, name), code);

describe('mesh serve', () => {
  it('serves a module’s handler until Ctrl-C', async () => {
    write('total.ts', 'export const total = (payload: string) => ({ total: payload.length });');
    const child = start(['serve', 'total.ts#total', '--port', '0']);
    expect(await answered(await next(urlsOf(child)))).toEqual({ result: { total: 1 } });
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('takes the handler of HANDLER_FUNCTION', async () => {
    write('decoders.mjs', 'export const reverse = (payload) => payload + "!";');
    const child = start(['serve', '--port', '0'], { HANDLER_FUNCTION: 'decoders.reverse' });
    expect(await answered(await next(urlsOf(child)))).toEqual({ result: 'x!' });
  });

  it('begins anew when a file is saved, if it is told to', async () => {
    write('version.mjs', 'export const handle = () => 1;');
    const urls = urlsOf(start(['serve', 'version.handle', '--port', '0', '--reload']));
    expect(await answered(await next(urls))).toEqual({ result: 1 });
    write('version.mjs', 'export const handle = () => 2;');
    expect(await answered(await next(urls))).toEqual({ result: 2 });
  });

  it('lets a request end that was there before a save, also upon Ctrl-C meanwhile, and does not begin anew', async () => {
    write(
      'slow.mjs',
      `import { existsSync, writeFileSync } from 'node:fs';
      export const handle = async () => {
        writeFileSync('${folder}/.begun', '');
        while (!existsSync('${folder}/.go')) await new Promise(setImmediate);
        return 'done';
      };`,
    );
    const child = start(['serve', 'slow.handle', '--port', '0', '--reload']);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece) => (said += piece));
    const [, url = ''] = await until(async () => /(http:\/\/[\d.:]+), described/.exec(said) ?? undefined);
    const answer = answered(url);
    await until(async () => existsSync(join(folder, '.begun')));
    write('other.mjs', '');
    await until(async () => said.includes('Stopping after SIGINT.'));
    // Until then a worker would take a second signal for the first one.
    const since = performance.now();
    await until(async () => performance.now() - since > 600);
    const closed = once(child, 'close');
    child.kill('SIGINT');
    write('.go', '');
    expect(await answer).toEqual({ result: 'done' });
    expect(await closed).toEqual([0, null]);
    expect(said).not.toMatch(/SIGINT again|beginning anew/);
  });

  it('says what is missing', async () => {
    const { code, err } = await mesh('serve');
    expect([code, err]).toEqual([64, expect.stringContaining('HANDLER_FUNCTION')]);
  });
});

describe('a worker as a process', () => {
  /** Its files: those of a handler, and what it keeps in the folder for temporary ones. */
  const temporary = () => readdirSync(join(folder, 'tmp'));
  beforeEach(() => {
    mkdirSync(join(folder, 'tmp'));
    write('odd.mjs', 'export const handle = (payload) => process.exit(3);');
  });
  afterEach(() => ServiceProcess.endAll());
  const worker = (port = 0) =>
    new ServiceProcess('serve', {
      HANDLER_FUNCTION: `${folder}/odd.mjs#handle`,
      MESH_SERVE_PORT: `${port}`,
      TMPDIR: join(folder, 'tmp'),
    });

  it('says how its port is taken, in a line with a remedy, and leaves nothing behind', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const service = worker(port);
    const [code] = await once(service.child, 'close');
    other.close();
    expect([code, temporary()]).toEqual([1, []]);
    expect(service.output).toMatch(
      new RegExp(`127.0.0.1:${port} is already taken. Remedy: .*MESH_SERVE_PORT`),
    );
    expect(service.output).not.toContain('    at ');
  });

  it('removes what one that was killed left', async () => {
    const killed = worker();
    await killed.printed('Ready.');
    await killed.end('SIGKILL');
    const left = temporary();
    expect(left.length).toBeGreaterThan(0);
    const service = worker();
    await service.printed('Ready.');
    expect(temporary().filter((name) => left.includes(name))).toEqual([]);
    await service.end('SIGTERM');
    expect(temporary()).toEqual([]);
  });

  it('tells a crash from a handler that is not there', async () => {
    const service = worker();
    await service.printed('Ready.');
    const url = /(http:\/\/[\d.:]+), described/.exec(service.output)?.[1] as string;
    expect(await answered(url)).toEqual({ detail: 'Its thread ended with code 3.' });
    await service.printed("The handler's worker ended: Its thread ended with code 3.");
    expect(service.output).not.toContain('not loaded');
  });
});

describe('mesh pack --lambda', () => {
  const HANDLER = `
    import { handler } from '@lambda-mesh/handler';
    export default handler('orders/total', { version: '1.0.0' }, () => 1);`;

  it('makes a zip with an executable bootstrap at its root, the same bytes each time', async () => {
    write('handler.ts', HANDLER);
    const rows = [];
    for (const out of ['a', 'b']) {
      const { out: json, code } = await mesh('pack', '--lambda', '--json', '--out', out);
      expect(code).toBe(0);
      rows.push(JSON.parse(json)[0]);
    }
    expect(rows[0]).toMatchObject({
      path: 'orders/total',
      version: '1.0.0',
      file: 'a/orders-total-1.0.0.zip',
      digest: rows[1].digest,
    });
    const zip = readFileSync(join(folder, rows[0].file));
    expect(modesOf(zip)).toEqual({
      bootstrap: 0o100755,
      'bootstrap.mjs': 0o100644,
      'handler.json': 0o100644,
      'handler.mjs': 0o100644,
      'handler.mjs.map': 0o100644,
    });
    expect(Object.keys(unzipSync(zip))).toContain('bootstrap');
  });

  it('takes a handler with a runtime of its own as it is', async () => {
    const { code, out } = await mesh('pack', resolve('examples/runtimes/bash'), '--lambda', '--json');
    expect(code).toBe(0);
    expect(modesOf(readFileSync(join(folder, JSON.parse(out)[0].file)))).toEqual({
      bootstrap: 0o100755,
      'function.sh': 0o100644,
    });
  });

  it('lays a Node beside it, if that is one for Linux', async () => {
    write('handler.ts', HANDLER);
    write('node', 'no program');
    expect((await mesh('pack', '--lambda', '--node', 'node')).code).toBe(64);
    // The head of a program for Arm: ELF, and at 18 its machine, 183.
    const arm = Buffer.alloc(64);
    arm.set([0x7f, 0x45, 0x4c, 0x46]);
    arm.writeUInt16LE(183, 18);
    writeFileSync(join(folder, 'node'), arm);
    expect((await mesh('pack', '--lambda', '--node', 'node')).code).toBe(0);
    const zip = readFileSync(join(folder, 'orders-total-1.0.0.zip'));
    expect(modesOf(zip)['bin/node']).toBe(0o100755);
    const own = await mesh('pack', resolve('examples/runtimes/bash'), '--lambda', '--node', 'node');
    expect([own.code, own.err]).toEqual([64, expect.stringContaining('--node')]);
  });

  it('keeps --node for zips', async () => {
    write('handler.ts', HANDLER);
    const { code, err } = await mesh('pack', '--node', 'node');
    expect([code, err]).toEqual([64, expect.stringContaining('--lambda')]);
  });
});

/** Of each entry of the central directory (APPNOTE.TXT 4.3.12): its name, and its mode on Unix. */
function modesOf(zip: Buffer): Record<string, number> {
  const modes: Record<string, number> = {};
  for (let at = zip.indexOf('PK\x01\x02'); at >= 0; at = zip.indexOf('PK\x01\x02', at + 46))
    modes[zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28))] =
      zip.readUInt32LE(at + 38) >>> 16;
  return modes;
}
